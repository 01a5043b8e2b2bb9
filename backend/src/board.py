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
from collections.abc import Mapping
from types import TracebackType

COUNTERS = (
    "identity",
    "started_ms",
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
    "cache_written_ms",
    "cache_failed_ms",
    "model_ok_ms",
    "model_key_refused_ms",
    "flask_env_said",
)
_INDEX = {name: place for place, name in enumerate(COUNTERS)}
_FIRST_SLOT = 64
_SLOTS = 4096
_PROBES = 8
_SIZE = (_FIRST_SLOT + _SLOTS * 3) * 8
_FLIGHTS = 1 << 40  # lock offsets above this belong to flights, far beyond the file's end


class Board:
    """Counters and expiring slots under one lock that holds across threads and processes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._mutex = threading.Lock()
        if os.fstat(descriptor).st_size < _SIZE:
            os.ftruncate(descriptor, _SIZE)
        self._memory = mmap.mmap(descriptor, _SIZE)
        self._cells = memoryview(self._memory).cast("q")
        with self:
            if not self._cells[0]:
                self._cells[0] = secrets.randbits(62) | 1
                self._cells[_INDEX["started_ms"]] = int(time.time() * 1000)

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
        return f"{self._cells[0]:x}"

    def add(self, **amounts: int) -> None:
        """Raise counters."""
        with self:
            for name, amount in amounts.items():
                self._cells[_INDEX[name]] += amount

    def stamp(self, name: str) -> None:
        """Note that something happened now."""
        with self:
            self._cells[_INDEX[name]] = max(int(time.time() * 1000), self._cells[_INDEX[name]] + 1)

    def first(self, name: str) -> bool:
        """True for one caller among all workers."""
        with self:
            self._cells[_INDEX[name]] += 1
            return self._cells[_INDEX[name]] == 1

    def counters(self) -> dict[str, int]:
        """All counters, read at one moment."""
        with self:
            return {name: self._cells[place] for name, place in _INDEX.items()}

    def raise_slot(self, key: str, amount: int, seconds: float) -> int:
        """Add to the slot of `key`, which is new again when its time is over."""
        now = _now_ms()
        number = _number_of(key)
        with self:
            place = self._slot(number, now, make=True)
            cells = self._cells
            if cells[place] != number or cells[place + 2] <= now:
                cells[place] = number
                cells[place + 1] = 0
                cells[place + 2] = now + int(seconds * 1000)
            cells[place + 1] += amount
            return int(cells[place + 1])

    def put_slot(self, key: str, value: int, seconds: float) -> None:
        """Set the slot of `key` anew."""
        now = _now_ms()
        number = _number_of(key)
        with self:
            place = self._slot(number, now, make=True)
            self._cells[place] = number
            self._cells[place + 1] = value
            self._cells[place + 2] = now + int(seconds * 1000)

    def read_slot(self, key: str) -> tuple[int, float]:
        """Value of the slot and seconds until it is over; (0, 0) without one."""
        now = _now_ms()
        number = _number_of(key)
        with self:
            place = self._slot(number, now, make=False)
            if place < 0:
                return 0, 0.0
            return int(self._cells[place + 1]), (self._cells[place + 2] - now) / 1000

    def clear_slots(self) -> None:
        """Forget all slots."""
        with self:
            for place in range(_FIRST_SLOT, _FIRST_SLOT + _SLOTS * 3):
                self._cells[place] = 0

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

    def _slot(self, number: int, now: int, *, make: bool) -> int:
        """Where the slot is; with `make`, else the place to use: a free one, or the one that ends first."""
        cells = self._cells
        soonest, ends = -1, 0
        for probe in range(_PROBES):
            place = _FIRST_SLOT + (number + probe) % _SLOTS * 3
            until = cells[place + 2]
            if cells[place] == number and until > now:
                return place
            if soonest < 0 or until < ends:
                soonest, ends = place, until
        return soonest if make else -1


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
