"""The signs of statuses: symbols where the terminal can show them, letters where it cannot; the word stands beside."""

from __future__ import annotations

import os
from typing import TextIO

from iris_migrate.engine.events import Status

SYMBOLS = {
    Status.HOLDS: "✓", Status.CONFIRMED: "✓", Status.WARNS: "!", Status.WAIVED: "–", Status.LEFT_OUT: "–",
    Status.FAILED: "✗", Status.UNKNOWN: "?", Status.RUNNING: "▶", Status.CONVERGING: "◌", Status.WAITING: "⧗",
    Status.READY: "·", Status.NEEDS_OPERATOR: "?", Status.STALE: "!", Status.INTERRUPTED: "!",
}  # fmt: skip
_ASCII = {
    "✓": "+", "✗": "x", "–": "-", "▶": ">", "◌": "~", "⧗": "w", "·": ".", "…": "...", "‹": "<", "›": ">",
    "•": "*", "─": "-",
}  # fmt: skip


def poor(out: TextIO) -> bool:
    """Whether this stream cannot show our symbols: its encoding, or a terminal without them."""
    encoding = (getattr(out, "encoding", None) or "ascii").lower().replace("-", "")
    return not encoding.startswith("utf") or os.environ.get("TERM") == "linux"


def fitting(text: str, out: TextIO) -> str:
    """The text with our symbols spelled in ASCII where the stream needs it."""
    if not poor(out):
        return text
    for symbol, letters in _ASCII.items():
        text = text.replace(symbol, letters)
    return text
