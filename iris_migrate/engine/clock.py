"""The clock: the machine's, or in a rehearsal the practice world's, which can be moved forward."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping

from iris_migrate.target import Clock

_ASKED_EVERY = 0.5  # seconds of real time between two looks at the practice world's clock
_SLICE = 0.5


class SystemClock:
    """Seconds since the epoch, and waiting in real time."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class PracticeWorldClock:
    """The clock of a practice world, at its control address: a soak of a day is over when its hands were moved."""

    def __init__(self, control: str) -> None:
        import urllib.request  # a migration does without it

        self._url = f"{control.rstrip('/')}/clock"
        self._offset = 0.0
        self._asked = float("-inf")
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def now(self) -> float:
        if time.monotonic() - self._asked > _ASKED_EVERY:
            try:
                with self._open(self._url, timeout=2) as answer:
                    self._offset = float(json.load(answer)["offset"])
            except (OSError, ValueError, KeyError):
                pass  # a world that has ended moves no hands
            self._asked = time.monotonic()
        return time.time() + self._offset

    async def sleep(self, seconds: float) -> None:
        until = self.now() + seconds
        while (left := until - self.now()) > 0:  # noqa: ASYNC110 - the hands may be moved meanwhile, by anybody
            await asyncio.sleep(min(left, _SLICE))


def clock_of(environment: Mapping[str, str]) -> Clock:
    """The clock of a rehearsal when there is one, else the machine's."""
    control = environment.get("IRIS_PRACTICE")
    return PracticeWorldClock(control) if control else SystemClock()
