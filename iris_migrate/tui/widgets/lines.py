"""Lines kept in bounded memory, with a filter over them: what a line view shows. Knows no widget."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

CAP = 50_000  # lines kept; older ones are counted and let go


class ShownLine(NamedTuple):
    """One line: `level` as syslog counts (3 and less are errors, 4 a warning), `time` in seconds since the epoch."""

    text: str
    level: int = 6
    time: float = 0.0
    source: str = ""


Keep = Callable[[ShownLine], bool]


class Lines:
    """The newest lines, and the numbers of those that pass the filter. Numbers count all lines ever added.

    Kept as bare tuples: Python's garbage collector lets those alone, and 50,000 of anything else held the screen up
    for 80 ms whenever it went through all of them.
    """

    def __init__(self, cap: int = CAP) -> None:
        self._lines: deque[tuple[str, int, float, str]] = deque(maxlen=cap)
        self._passing: deque[int] = deque()
        self._keep: Keep | None = None
        self.total = 0
        self.errors = 0

    @property
    def first(self) -> int:
        """The number of the oldest line that is still kept."""
        return self.total - len(self._lines)

    def add(self, lines: Iterable[ShownLine]) -> int:
        """Add lines; answers how many there were."""
        before = self.total
        for line in lines:
            self._lines.append(line[:])  # a bare tuple
            self.errors += line.level <= 3
            if self._keep is not None and self._keep(line):
                self._passing.append(self.total)
            self.total += 1
        first = self.first
        while self._passing and self._passing[0] < first:
            self._passing.popleft()
        return self.total - before

    def filter(self, keep: Keep | None) -> None:
        """Show only lines that pass; None shows all."""
        self._keep = keep
        kept = enumerate(map(ShownLine._make, self._lines), self.first)
        self._passing = deque(number for number, line in kept if keep is not None and keep(line))

    def __len__(self) -> int:
        """How many lines there are to show."""
        return len(self._lines) if self._keep is None else len(self._passing)

    def number(self, row: int) -> int:
        """The number of the line in a row, counted from the oldest that is shown."""
        return self.first + row if self._keep is None else self._passing[row]

    def at(self, row: int) -> ShownLine:
        """The line in a row. IndexError outside."""
        return ShownLine._make(self._lines[self.number(row) - self.first])

    def find(self, text: str, start: int, step: int = 1) -> int | None:
        """The next row from `start` on (step 1: downwards, -1: upwards) that contains a text, whatever its case."""
        wanted = text.casefold()
        stop = len(self) if step > 0 else -1
        for row in range(start, stop, step):
            if wanted in self._lines[self.number(row) - self.first][0].casefold():
                return row
        return None

    @property
    def everything(self) -> Iterator[ShownLine]:
        """All lines that are kept, whatever the filter."""
        return map(ShownLine._make, self._lines)

    def __iter__(self) -> Iterator[ShownLine]:
        return map(self.at, range(len(self))) if self._keep is not None else map(ShownLine._make, self._lines)
