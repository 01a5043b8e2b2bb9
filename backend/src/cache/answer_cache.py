"""Answers in and out of the store. A fault is counted, shown and survived: it never costs a request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..answers import Answer, from_text
from ..board import Board
from .store import RefusedEntry, Store, StoreFault, Usage

log = logging.getLogger("iris")

Result = TypeVar("Result")

_PAUSE = 2.0  # seconds without a try after a fault, so that a dead store does not slow every request


@dataclass(frozen=True)
class CacheState:
    """What health tells of the cache. `writable` is the result of the last write, by any worker."""

    place: str
    writable: bool
    entries: int | None
    bytes: int | None


class AnswerCache:
    """The store with its faults caught."""

    def __init__(self, store: Store, board: Board, ttl: float) -> None:
        self._store = store
        self._board = board
        self._ttl = ttl
        self._quiet_until = 0.0
        self._write("open", self._store.open)

    def find(self, key: str) -> Answer | None:
        """The valid answer under this key. Its age is judged here again: the time to live may have been shortened."""
        if time.monotonic() < self._quiet_until:
            return None
        text = self._attempt("read", lambda: self._store.get(key))
        answer = from_text(text) if text is not None else None
        if text is not None and answer is None:
            self._board.add(cache_refused=1)
        if answer is None or time.time() >= answer.stored + self._ttl:
            return None
        return answer

    def keep(self, key: str, text: str) -> bool:
        """Store an answer; False when it could not be stored."""
        if time.monotonic() < self._quiet_until:
            self._board.add(cache_faults=1)
            return False
        return self._write("write", lambda: self._store.put(key, text, self._ttl))

    def state(self) -> CacheState:
        """Reads only. The numbers are missing while the store cannot be read."""
        usage = Usage(None, None)
        if time.monotonic() >= self._quiet_until:
            usage = self._attempt("usage", self._store.usage) or usage
        writable = self._board.later("cache_written", "cache_failed")
        return CacheState(self._store.place, writable, usage.entries, usage.bytes)

    def oldest(self) -> float | None:
        """When the oldest entry was stored."""
        return self._attempt("oldest", self._store.oldest)

    def _write(self, what: str, action: Callable[[], None]) -> bool:
        """Carry out a write and note its result where every worker's health sees it."""

        def attempt() -> bool:
            action()
            return True

        done = self._attempt(what, attempt) is True
        self._board.stamp("cache_written" if done else "cache_failed")
        return done

    def _attempt(self, what: str, action: Callable[[], Result]) -> Result | None:
        """The result of `action`, or None after a fault."""
        try:
            return action()
        except RefusedEntry:
            self._board.add(cache_refused=1)
            log.warning("cache: an entry that is not text was refused")
        except StoreFault as fault:
            self._board.add(cache_faults=1)
            self._quiet_until = time.monotonic() + _PAUSE
            log.warning("cache: %s failed (%s); going on without it", what, fault)
        return None
