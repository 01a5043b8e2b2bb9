"""Looking at everything in a running program: round trips, and seconds from far away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from benchmarks import world
from benchmarks.figure import Figure, median, spread
from benchmarks.proxy import delaying
from iris_migrate.engine.session import Session

ROUND_TRIP = 0.08  # seconds
ROUNDS = 7


def run() -> Iterator[Figure]:
    with world.finished() as practice:
        near = asyncio.run(_near())
        address, port = near["address"], near["port"]
        yield Figure("batches for one look at all", near["batches"], "batches", 3, f"{near['steps']} steps")
        world.control(practice, "faults", {"add": "slow-aws=50"})
        with delaying(address, port, ROUND_TRIP) as far:
            seconds, floor = asyncio.run(_far(far, address))
            yield Figure(
                "one look at all, host 80 ms away, AWS answering in 50 ms", median(seconds), "s", 1.0,
                f"range {spread(seconds)}; one empty batch over the same connection {spread(floor)} s",
            )  # fmt: skip


async def _near() -> dict[str, object]:
    session = await world.session()
    await session.inspect()
    connection = await session.target.connection()
    before = connection.batches
    await session.inspect()
    found = {
        "batches": connection.batches - before, "steps": len(session.checklist.steps),
        "address": connection.address.host, "port": connection.address.port,
    }  # fmt: skip
    await session.close()
    return found


async def _far(port: int, address: str) -> tuple[list[float], list[float]]:
    session = await world.session(flags={"ssh.port": str(port)})
    await session.inspect()
    seconds = [await _seconds(session) for _ in range(ROUNDS)]
    floor = []
    for _ in range(ROUNDS):
        session.target.forget()
        started = time.monotonic()
        await session.target.host.clock()
        floor.append(time.monotonic() - started)
    await session.close()
    return seconds, floor


async def _seconds(session: Session) -> float:
    started = time.monotonic()
    await session.inspect()
    return time.monotonic() - started
