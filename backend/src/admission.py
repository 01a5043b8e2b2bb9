"""How many threads of a worker may be busy with the model or wait for it: hits and health always find a free one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import Busy

_KEPT_FREE = 2


class Admission:
    """Places for slow requests, all but the last two threads, and among them a few for model calls."""

    def __init__(self, threads: int, model_slots: int) -> None:
        self._places = threading.BoundedSemaphore(threads - _KEPT_FREE)
        self._calls = threading.BoundedSemaphore(min(model_slots, threads - _KEPT_FREE))

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for a request that may take long; without one the client is asked to come again."""
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            yield
        finally:
            self._places.release()

    @contextmanager
    def model_call(self, patience: float) -> Iterator[None]:
        """One of the model calls at a time; waits for it as long as the client is asked to wait at most."""
        if not self._calls.acquire(timeout=patience):
            raise Busy
        try:
            yield
        finally:
            self._calls.release()
