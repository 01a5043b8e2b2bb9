"""What reaches the terminal, sign by sign: no control characters, and ASCII where the terminal is poor."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

BARS = "▁▂▃▄▅▆▇█"
# One cell for one cell, so that nothing moves. The same signs as iris_migrate.symbols, and those that Textual draws.
_ASCII = {
    "✓": "+", "✗": "x", "–": "-", "▶": ">", "◌": "~", "⧗": "w", "·": ".", "…": ".", "‹": "<", "›": ">", "•": "*",
    "→": ">", "←": "<", "↑": "^", "↓": "v", "●": "*", "○": "o", "×": "x", "◉": "@", "▸": ">", "▾": "v", "⏎": "<",
    "▁": "_", "▂": "_", "▃": ".", "▄": "-", "▅": "-", "▆": "=", "▇": "#", "█": "#", "▔": "-", "▏": "|", "▕": "|",
    "▎": "|", "▍": "|", "▊": "|", "▌": "|", "▐": "|", "▀": "-", "━": "=", "╸": "=", "╺": "-", "‘": "'",
    "’": "'", "“": '"', "”": '"', "—": "-", "⌫": "<",
}  # fmt: skip
_BOX = {chr(code): "+" for code in range(0x2500, 0x2580)} | dict.fromkeys("─╌┄┈━═", "-") | dict.fromkeys("│╎┆┊┃║", "|")
_TABLE = str.maketrans({**_BOX, **_ASCII})

# C0 but the line's end, C1, and what turns the reading direction: none of them has a width.
_NEVER = dict.fromkeys(
    (
        *range(10),
        *range(11, 32),
        *range(0x7F, 0xA0),
        0x61C,
        0x200E,
        0x200F,
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
    )
)


def poor(environment: Mapping[str, str] = os.environ, encoding: str = "") -> bool:
    """Whether the terminal cannot show our signs: asked for, no UTF-8, or the Linux console."""
    if environment.get("IRIS_MIGRATE_ASCII"):
        return True
    named = encoding or locale.getpreferredencoding(False)
    return "utf" not in named.lower() or environment.get("TERM") == "linux"


def ascii_of(text: str) -> str:
    """The text with every sign of ours in ASCII, as wide as before; other letters stay as they are."""
    return text if text.isascii() else text.translate(_TABLE)


class Signs(LineFilter):
    """The last gate before the terminal, for every widget: control characters never pass, whatever a widget was fed."""

    def __init__(self, ascii_only: bool) -> None:
        super().__init__()
        self._ascii = ascii_only

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if not self._ascii and all(text.isprintable() for text, _, _ in segments):
            return segments
        return [
            segment if segment.control else Segment(self._shown(segment.text), segment.style) for segment in segments
        ]

    def _shown(self, text: str) -> str:
        text = text if text.isprintable() else text.translate(_NEVER)
        return ascii_of(text) if self._ascii else text


def spark(values: tuple[int, ...]) -> str:
    """A row of bars; what is not nothing shows at least the smallest but one."""
    most = max(values, default=0)
    return "".join(BARS[0] if not value else BARS[max(1, round(value / most * 7))] for value in values)
