"""How far a long piece of work is: one line that moves on a terminal, a line every tenth elsewhere."""

from __future__ import annotations

from typing import TextIO

_WIDTH = 24


class Progress:
    """Hears `tell(share, what)`; `share` is 0 to 1. Writes nothing when nothing is told."""

    def __init__(self, stream: TextIO, title: str) -> None:
        self._stream, self._title = stream, title
        self._moves = stream.isatty()
        self._told = -1

    def tell(self, share: float, what: str) -> None:
        percent = round(100 * max(0.0, min(1.0, share)))
        if self._moves:
            filled = _WIDTH * percent // 100
            bar = "#" * filled + "." * (_WIDTH - filled)
            self._write(f"\r{self._title} [{bar}] {percent:3} %  {what[:24]:24}")
        elif percent // 10 > self._told // 10 or self._told < 0:
            self._write(f"{self._title}: {percent} %\n")
        self._told = percent

    def end(self) -> None:
        if self._moves and self._told >= 0:
            self._write("\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
