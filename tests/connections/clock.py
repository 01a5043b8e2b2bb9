"""A clock for tests: it jumps where a program would wait, and remembers by how much."""

from __future__ import annotations

import asyncio


class JumpingClock:
    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.time = now
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)
