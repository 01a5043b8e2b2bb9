"""Bytes in any pieces become clean lines, and lines enter the event loop in batches, never one by one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from iris_migrate.redact import clean_bytes

T = TypeVar("T")

LONGEST = 16384  # bytes of one line; a longer one is broken up
BATCHES = 64  # handed over and not yet taken: beyond that the reader waits


class Splitter:
    """Cuts lines out of a stream. `read` counts the bytes it was given."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._rest, self._longest = b"", longest
        self.read = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their ends."""
        self.read += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > self._longest:
            lines.append(self._rest[: self._longest])
            self._rest = self._rest[self._longest :]
        return lines

    @property
    def held(self) -> int:
        """Bytes of the line that is not complete."""
        return len(self._rest)

    def rest(self) -> list[bytes]:
        """The last line, when it did not end."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []


def shown(line: bytes) -> str:
    """A line as a terminal would leave it: what a progress bar wrote last, without control sequences."""
    return clean_bytes(line.rstrip(b"\r").rpartition(b"\r")[2])[:LONGEST]


class HandOver(Generic[T]):
    """Takes things from a reading thread to the loop in order; a loop that is behind holds the thread up.

    With `waits`, what was handed over waits until somebody calls `taken` for it: then that one may hold it up too.
    """

    def __init__(self, take: Callable[[Sequence[T]], None], *, waits: bool = False) -> None:
        self._loop = asyncio.get_running_loop()
        self._take, self._waits = take, waits
        self._room = threading.BoundedSemaphore(BATCHES)

    def __call__(self, lines: Sequence[T]) -> None:
        self._room.acquire()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._taken, lines)

    def taken(self) -> None:
        """One batch was taken; there is room for another."""
        self._room.release()

    def _taken(self, lines: Sequence[T]) -> None:
        if not self._waits:
            self.taken()
        self._take(lines)
