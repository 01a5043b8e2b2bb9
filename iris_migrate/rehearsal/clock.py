"""The world's clock: the machine's, plus an offset that a rehearsal may move forward."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class ClockError(ValueError):
    """The clock was asked for something that clocks do not do."""


class PracticeClock:
    """Seconds since the epoch. Only ever moves forward, so that what is due stays due."""

    def __init__(self, base: Callable[[], float] = time.time) -> None:
        self._base = base
        self._offset = 0.0
        self._lock = threading.Lock()

    @property
    def offset(self) -> float:
        """Seconds by which this clock is ahead of the machine's."""
        return self._offset

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._base() + self._offset

    def advance(self, seconds: float) -> float:
        """Move forward; the new time. Raises ClockError for a step back."""
        if seconds < 0:
            raise ClockError("The practice clock only moves forward; give a number of seconds that is not negative.")
        with self._lock:
            self._offset += seconds
        return self.now()

    def set(self, epoch: float) -> float:
        """Move forward to a time; the new time. Raises ClockError for a time in the past."""
        return self.advance(epoch - self.now())
