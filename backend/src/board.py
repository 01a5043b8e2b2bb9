"""A small piece of memory that all workers share: counters, rate-limit windows, and locks a dead process lets go.

The gunicorn master makes it before it forks (`gunicorn_config.py`) and names it in IRIS_BOARD. Without one
(development, tests) a process has a board to itself. It lives in memory, so a broken or full disk does not touch it.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import secrets
import struct
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

COUNTERS = (
    "requests",
    "hits",
    "shared",
    "misses",
    "blanks",
    "model_calls",
    "model_failures",
    "input_tokens",
    "output_tokens",
    "spent_nano",
    "saved_nano",
    "cache_faults",
    "cache_refused",
    "flask_env_said",
)
MOMENTS = ("cache_written", "cache_failed", "model_ok", "model_key_refused")

_INDEX = {name: place for place, name in enumerate((*COUNTERS, *MOMENTS))}
_IDENTITY, _STARTED, _FIRST_COLUMN = 0, 1, 8
_COLUMNS, _WIDTH = 32, 32  # each process counts in a column of its own, so that counting needs no lock between them
_FIRST_SLOT = _FIRST_COLUMN + _COLUMNS * _WIDTH
_SLOTS, _SLOT = 4096, 2 + _COLUMNS  # a slot: number of its key, when it ends, and a cell for each process
_PROBES = 8
_SIZE = (_FIRST_SLOT + _SLOTS * _SLOT) * 8
_CLAIMS = 1 << 30  # lock offsets from here on: one a column, held as long as its process lives
_FLIGHTS = 1 << 40  # and from here on: one a flight


@dataclass(frozen=True)
class Window:
    """At most `amount` in `seconds` under this key."""

    key: str
    amount: int
    seconds: float


class Board:
    """Counters, expiring slots and locks; `with board` holds across threads and processes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._mutex = threading.Lock()
        self._counting = threading.Lock()
        if os.fstat(descriptor).st_size < _SIZE:
            os.ftruncate(descriptor, _SIZE)
        self._memory = mmap.mmap(descriptor, _SIZE)
        self._cells = memoryview(self._memory).cast("q")
        with self:
            if not self._cells[_IDENTITY]:
                self._cells[_IDENTITY] = secrets.randbits(62) | 1
                self._cells[_STARTED] = int(time.time())
            column = self._claim_column()
        self._column = _FIRST_COLUMN + column * _WIDTH
        self._slot_cell = 2 + column

    @classmethod
    def alone(cls) -> Board:
        """A board for one process."""
        return cls(anonymous_file())

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Board:
        """The master's board when this process was forked from one, else a board alone."""
        descriptor = inherited(environ.get("IRIS_BOARD", ""))
        return cls.alone() if descriptor is None else cls(descriptor)

    def __enter__(self) -> None:
        self._mutex.acquire()
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, 0)
        except BaseException:
            self._mutex.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, 0)
        self._mutex.release()

    @property
    def identity(self) -> str:
        """The same for all processes of this board, and for no other."""
        return f"{self._cells[_IDENTITY]:x}"

    @property
    def started(self) -> int:
        """When the service started, in seconds since 1970."""
        return int(self._cells[_STARTED])

    def add(self, **amounts: int) -> None:
        """Raise counters: this process alone writes its column."""
        with self._counting:
            for name, amount in amounts.items():
                self._cells[self._column + _INDEX[name]] += amount

    def stamp(self, moment: str) -> None:
        """Note that something happened now."""
        place = self._column + _INDEX[moment]
        with self._counting:
            self._cells[place] = max(time.time_ns(), self._cells[place] + 1)

    def first(self, name: str) -> bool:
        """True for one caller among all workers."""
        with self:
            self.add(**{name: 1})
            return self.counters()[name] == 1

    def counters(self) -> dict[str, int]:
        """All counters, over all processes that live or lived."""
        columns = range(_FIRST_COLUMN, _FIRST_SLOT, _WIDTH)
        return {name: sum(self._cells[column + _INDEX[name]] for column in columns) for name in COUNTERS}

    def later(self, moment: str, other: str) -> bool:
        """Whether `moment` was stamped after `other`, each by whichever process was last."""
        columns = range(_FIRST_COLUMN, _FIRST_SLOT, _WIDTH)
        one, two = (max(self._cells[column + _INDEX[name]] for column in columns) for name in (moment, other))
        return bool(one > two)

    def count(self, windows: Iterable[Window]) -> float | None:
        """Count one more in each window; the seconds to wait at the first that is full, else None.

        The windows after a full one are not counted. Without a lock: of two processes at the very last place both may
        be refused, but never more than the amount get through.
        """
        now = _now_ms()
        for window in windows:
            number = _number_of(window.key)
            place = self._find(number, now)
            if place < 0:
                place = self._make(number, now, now + int(window.seconds * 1000))
            if self._raised(place) > window.amount:
                return max(0.0, (self._cells[place + 1] - now) / 1000)
        return None

    def put_slot(self, key: str, value: int, seconds: float) -> None:
        """Set the slot of `key`, for a while."""
        now, number = _now_ms(), _number_of(key)
        place = self._find(number, now)
        if place >= 0:
            self._cells[place + 1] = 0  # over
        place = self._make(number, now, now + int(seconds * 1000))
        self._cells[place + self._slot_cell] = value

    def read_slot(self, key: str) -> tuple[int, float]:
        """Value of the slot over all processes, and the seconds until it is over; (0, 0) without one."""
        now = _now_ms()
        place = self._find(_number_of(key), now)
        if place < 0:
            return 0, 0.0
        return sum(self._cells[place + 2 : place + _SLOT]), (self._cells[place + 1] - now) / 1000

    def try_lock(self, key: str) -> bool:
        """Take the lock of `key` for this process; the kernel gives it back when the process dies.

        Locks of this kind belong to the process, so the caller sees to it that one thread at a time asks for a key;
        and all of them end when any descriptor of the board is closed, so a board is kept as long as the process.
        """
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _flight_offset(key))
        except (BlockingIOError, PermissionError):
            return False
        return True

    def unlock(self, key: str) -> None:
        """Give the lock of `key` back."""
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _flight_offset(key))

    def _claim_column(self) -> int:
        """A column that no living process has; what a dead one counted there stays."""
        for column in range(_COLUMNS):
            with suppress(OSError):
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _CLAIMS + column)
                return column
        raise RuntimeError(f"more than {_COLUMNS} processes share a board")

    def _raised(self, place: int) -> int:
        """Count one more in a slot; what it comes to with the other processes."""
        with self._counting:
            self._cells[place + self._slot_cell] += 1
            return sum(self._cells[place + 2 : place + _SLOT])

    def _find(self, number: int, now: int) -> int:
        """Where the slot is, -1 without one."""
        cells = self._cells
        for probe in range(_PROBES):
            place = _FIRST_SLOT + (number + probe) % _SLOTS * _SLOT
            if cells[place] == number and cells[place + 1] > now:
                return place
        return -1

    def _make(self, number: int, now: int, ends: int) -> int:
        """A new slot, in a free place or in that of the one that ends first; found again if another was quicker."""
        with self:
            place = self._find(number, now)
            if place >= 0:
                return place
            places = [_FIRST_SLOT + (number + probe) % _SLOTS * _SLOT for probe in range(_PROBES)]
            place = min(places, key=lambda candidate: self._cells[candidate + 1])
            self._cells[place + 1] = 0
            for cell in range(place + 2, place + _SLOT):
                self._cells[cell] = 0
            self._cells[place], self._cells[place + 1] = number, ends
            return place


def anonymous_file() -> int:
    """A descriptor of memory without a name; children of a fork share it."""
    return os.memfd_create("iris-board") if hasattr(os, "memfd_create") else _unnamed_file()


def _unnamed_file() -> int:
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def inherited(name: str) -> int | None:
    """The descriptor that IRIS_BOARD names as `number:inode`, so that a reused number is not mistaken for it."""
    number, _, inode = name.partition(":")
    try:
        if os.fstat(int(number)).st_ino == int(inode):
            return int(number)
    except (ValueError, OSError):
        pass
    return None


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _number_of(key: str) -> int:
    number: int = struct.unpack("<q", hashlib.blake2b(key.encode(), digest_size=8).digest())[0]
    return number or 1


def _flight_offset(key: str) -> int:
    return _FLIGHTS + (_number_of(key) & ((1 << 61) - 1))
