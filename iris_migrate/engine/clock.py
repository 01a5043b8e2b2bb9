"""The real clock; rehearsals and tests bring their own."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Seconds since the epoch, and waiting in real time."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
