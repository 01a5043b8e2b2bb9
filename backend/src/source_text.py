"""The source as it is meant: without the client's line numbers, and with ours exactly once for the model."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERED = re.compile(r"[ \t]*(\d+) ?\| ?(.*)", re.DOTALL)
_LONG_LINE = 1_000
_LONG_AVERAGE = 300


@dataclass(frozen=True)
class SourceText:
    """One source file, line by line, without line numbers."""

    lines: tuple[str, ...]

    @classmethod
    def of(cls, sent: str) -> SourceText:
        """Take the numbers off when every line carries its own; otherwise the text is the source itself."""
        lines = sent.replace("\r\n", "\n").split("\n")
        if len(lines) > 1 and lines[-1] == "":
            lines.pop()
        plain = _without_numbers(lines)
        return cls(tuple(lines if plain is None else plain))

    @property
    def text(self) -> str:
        """The plain source, the same for a numbered and a bare request."""
        return "\n".join(self.lines)

    @property
    def blank(self) -> bool:
        """Nothing but white space: no model has anything to say about it."""
        return not any(line.strip() for line in self.lines)

    @property
    def minified(self) -> bool:
        """Few very long lines, as a bundler or a generator writes them."""
        longest = max(map(len, self.lines))
        return longest >= _LONG_LINE and sum(map(len, self.lines)) / len(self.lines) >= _LONG_AVERAGE

    def numbered(self) -> str:
        """The source with `N | ` before each line, the way the model refers to it."""
        return "\n".join(f"{number} | {line}" for number, line in enumerate(self.lines, 1))


def _without_numbers(lines: list[str]) -> list[str] | None:
    """The lines without their numbers, or None unless they count 1, 2, 3 … without a gap."""
    plain = []
    for expected, line in enumerate(lines, 1):
        match = _NUMBERED.fullmatch(line)
        if match is None or len(match[1]) > 9 or int(match[1]) != expected:
            return None
        plain.append(match[2])
    return plain
