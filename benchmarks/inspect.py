"""Looking at everything in a running program: round trips, and seconds from far away."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import world
from benchmarks.figure import Figure, median, spread
from benchmarks.proxy import delaying
from iris_migrate.engine.events import Status
from iris_migrate.engine.session import Session

ROUND_TRIP = 0.08  # seconds
ROUNDS = 7
MANY, SHELLS = 200, 20
HEAD = """
name: many
title: Many steps
settings_from: lambda-to-ec2
settings:
  host.address: {type: str, default: "", description: Address of the host.}
  host.instance: {type: str, default: "", description: Its console output vouches for its key.}
host:
  address: "{{ host.address }}"
  instance: "{{ host.instance }}"
  user: "{{ profile.user }}"
  port: "{{ ssh.port }}"
  key: "{{ ssh.key }}"
phases: [steps.yaml]
"""
FACT = """
  - id: fact-{n}
    title: A folder
    resource: files.directory
    with: {{path: "{{{{ host.root }}}}/usr/folder-{n}"}}"""
SHELL = """
  - id: shell-{n}
    title: A probe
    resource: operator.traces
    with: {{question: "?", folder: "{{{{ paths.state }}}}/proofs", log: /etc/passwd, contains: ["no such line {n}"]}}"""


def run() -> Iterator[Figure]:
    with world.finished() as practice:
        near = asyncio.run(_near())
        address, port = near["address"], near["port"]
        yield Figure("batches for one look at all", near["batches"], "batches", 3, f"{near['steps']} steps")
        world.control(practice, "faults", {"add": "slow-aws=50"})
        with delaying(address, port, ROUND_TRIP) as far:
            seconds, batches = asyncio.run(_many(far, address, near["instance"]))
            yield Figure(
                f"one look at {MANY} host steps, {SHELLS} of them free shell, 80 ms away", median(seconds), "s", 1.5,
                f"range {spread(seconds)}; {batches} batches",
            )  # fmt: skip
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
        "address": connection.address.host, "port": connection.address.port, "instance": session.target.instance,
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


async def _many(port: int, address: str, instance: str) -> tuple[list[float], int]:
    """A checklist of many steps about the one host; what they find does not matter, only that it is told."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "checklist.yaml").write_text(HEAD)
        steps = [(SHELL if n < SHELLS else FACT).format(n=n) for n in range(MANY)]
        Path(folder, "steps.yaml").write_text('phase: {id: "1", title: Many}\nsteps:' + "".join(steps) + "\n")
        flags = {"ssh.port": str(port), "host.address": address, "host.instance": instance}
        session = await world.session(checklist=folder, flags=flags)
        told = await session.inspect()
        unread = [step for step in told.steps if step.status is Status.UNKNOWN]
        if unread:
            raise SystemExit(f"{len(unread)} steps were not read: {unread[0].id}: {unread[0].detail}")
        connection = await session.target.connection()
        before = connection.batches
        seconds = [await _seconds(session) for _ in range(ROUNDS)]
        batches = (connection.batches - before) // ROUNDS
        await session.close()
        return seconds, batches
