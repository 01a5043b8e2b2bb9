"""Single flight: however many ask for the same answer at the same time, in however many workers, one of them gets it.

Within a process the first thread flies and the others wait for it. Between processes a lock by key decides; it is
given back by the kernel when its holder dies, so a killed worker's flight is taken over at once. A failure is left on
the board for those who were already waiting: they share it instead of paying for the next one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from .board import Board
from .errors import (
    Busy,
    IrisError,
    ModelDeclined,
    ModelFailed,
    ModelKeyRefused,
    ModelNonsense,
    ModelOverloaded,
    ModelTimedOut,
    ModelTooFewBlocks,
    ModelUnreachable,
)

Result = TypeVar("Result")

_POLL = 0.02
_SHARED_FOR = 600.0
_GRAIN = 0.002  # the board counts in milliseconds
_SHARED: tuple[type[IrisError], ...] = (
    ModelTimedOut,
    ModelUnreachable,
    ModelFailed,
    ModelDeclined,
    ModelNonsense,
    ModelTooFewBlocks,
    ModelKeyRefused,
    ModelOverloaded,
)


class KeyLocks(Protocol):
    """Locks between processes. One thread of a process at a time asks for a key."""

    def try_lock(self, key: str) -> bool: ...

    def unlock(self, key: str) -> None: ...


class _Flight(Generic[Result]):
    """One thread's work that others of its process wait for."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.result: Result | None = None
        self.error: Exception | None = None


class Flights(Generic[Result]):
    """All flights of this process."""

    def __init__(self, locks: KeyLocks, board: Board) -> None:
        self._locks = locks
        self._board = board
        self._open: dict[str, _Flight[Result]] = {}
        self._mutex = threading.Lock()

    def get(
        self, key: str, look: Callable[[], Result | None], fly: Callable[[], Result], patience: float
    ) -> tuple[Result, bool]:
        """The result and whether this call flew for it. `look` asks the cache, `fly` makes the result and keeps it."""
        since = time.monotonic()
        with self._mutex:
            flight = self._open.get(key)
            mine = flight is None
            if flight is None:
                flight = self._open[key] = _Flight()
        if not mine:
            return self._wait_for(flight, patience), False
        try:
            flight.result, flew = self._lead(key, look, fly, since, patience)
            return flight.result, flew
        except Exception as error:
            flight.error = error
            raise
        finally:
            if flight.result is None and flight.error is None:
                flight.error = Busy()  # this thread is being ended; nobody may wait for it
            with self._mutex:
                del self._open[key]
            flight.landed.set()

    def _wait_for(self, flight: _Flight[Result], patience: float) -> Result:
        if not flight.landed.wait(patience):
            raise ModelTimedOut
        if isinstance(flight.error, IrisError):
            raise type(flight.error)(str(flight.error), flight.error.retry_after)
        if flight.result is None:
            raise IrisError
        return flight.result

    def _lead(
        self, key: str, look: Callable[[], Result | None], fly: Callable[[], Result], since: float, patience: float
    ) -> tuple[Result, bool]:
        waited = False
        while not self._locks.try_lock(key):
            waited = True
            if time.monotonic() - since > patience:
                raise ModelTimedOut
            time.sleep(_POLL)
        try:
            found = look()
            if found is not None:
                return found, False
            if waited:
                self._share_failure(key, since)
            try:
                return fly(), True
            except _SHARED as error:
                self._board.put_slot(f"failed {key}", _SHARED.index(type(error)) + 1, _SHARED_FOR)
                raise
        finally:
            self._locks.unlock(key)

    def _share_failure(self, key: str, since: float) -> None:
        """Raise what another worker's flight ended with while this one waited for it."""
        number, left = self._board.read_slot(f"failed {key}")
        if number and time.monotonic() + left - _SHARED_FOR >= since - _GRAIN:
            raise _SHARED[number - 1]
