"""Lines from the practice host into the line view that is on the screen: how soon one is there, and 200,000 at once."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import world
from benchmarks.figure import Figure, median, spread
from benchmarks.tui_apps import LinesApp, resident
from iris_migrate.engine.session import Session
from iris_migrate.tui.following import following

LINES, LENGTH, ROUNDS, UNIT = 200_000, 120, 15, "bench"


def run() -> Iterator[Figure]:
    with world.finished():
        yield from asyncio.run(figures())


async def figures() -> list[Figure]:
    """On the host of the environment's settings: it must have been made."""
    session = await world.session()
    try:
        await session.reach()
        journal = _journal(session)
        return [*await _soon(session, journal), *await _burst(session, journal)]
    finally:
        await session.close()


def _journal(session: Session) -> Path:
    """The practice host's journal, a file of one JSON object a line; written to as its init does."""
    return Path(str(session.setting("host.root"))) / "var/log/journal/practice.jsonl"


def _write(journal: Path, first: int, count: int) -> str:
    """Add lines to the journal; answers with the last one's cursor."""
    like = json.loads(journal.read_text().splitlines()[-1])
    now = int(time.time() * 1e6)
    with journal.open("a") as file:
        for number in range(first, first + count):
            message = f"line {number} ".ljust(LENGTH, "x")
            cursor = f"s={'b' * 32};i={number:x};b={'c' * 32};m={number:x};t={number:x};x={number:016x}"
            entry = {
                **like, "__CURSOR": cursor, "__REALTIME_TIMESTAMP": str(now + number - first), "MESSAGE": message,
                "_SYSTEMD_UNIT": f"{UNIT}.service", "UNIT": f"{UNIT}.service", "SYSLOG_IDENTIFIER": UNIT,
            }  # fmt: skip
            file.write(json.dumps(entry) + "\n")
    return cursor


async def _soon(session: Session, journal: Path) -> list[Figure]:
    found = []
    connection = await session.target.connection()
    file = Path(str(session.setting("host.root"))) / "var/log/bench.log"
    file.write_text("")
    for name, sources, limit in (
        ("the journal", {"units": (UNIT,)}, 600),
        ("a followed file", {"files": (str(file),)}, 150),
    ):
        app = LinesApp()
        async with app.run_test(size=(120, 40)):
            feeding = asyncio.create_task(_feed(app, following(connection, session.secrets, **sources, past=0)))
            await asyncio.sleep(3)  # the follower stands
            seconds = []
            for number in range(ROUNDS):
                await asyncio.sleep(0.5)  # a line after a silence
                total, started = app.view.lines.total, time.monotonic()
                if "units" in sources:
                    _write(journal, 1_000_000_000 + number, 1)
                else:
                    with file.open("a") as out:
                        out.write(f"line {number}\n")
                await _until(lambda total=total, app=app: app.view.lines.total > total)  # type: ignore[misc]
                seconds.append(time.monotonic() - started)
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
        beside = f"{ROUNDS} lines, half a second apart: {spread([s * 1000 for s in seconds])} ms"
        found.append(Figure(f"a line from {name} is on the screen", median(seconds) * 1000, "ms", limit, beside))
    return found


async def _burst(session: Session, journal: Path) -> list[Figure]:
    from benchmarks.tui import stalls

    connection = await session.target.connection()
    first = int(time.time() * 1000) * LINES  # another one each time, so that a cursor stands for one line
    before = _write(journal, first, 1)
    await asyncio.to_thread(_write, journal, first + 1, LINES)
    floor = await asyncio.to_thread(_floor, session, before)
    from iris_migrate.connections.host.connection import Journal
    from iris_migrate.tui.following import shown

    app = LinesApp()
    async with app.run_test(size=(120, 40)):
        memory, watching, started = resident(), asyncio.create_task(stalls()), time.monotonic()

        async def lines() -> Any:
            async for batch in connection.follow(Journal(UNIT, before)):
                yield [shown(line, session.secrets) for line in batch]

        feeding = asyncio.create_task(_feed(app, lines()))
        await _until(lambda: app.view.lines.total >= LINES, 300)
        took = time.monotonic() - started
        watching.cancel()
        longest, grown, missing = await watching, resident() - memory, LINES - app.view.lines.total
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
    found = [
        Figure(f"{LINES} journal lines through follow: missing", missing, "lines", 0),
        Figure("longest stall of the screen meanwhile", longest * 1000, "ms", 100),
        Figure("memory grown by them", grown, "MB", 40),
    ]
    if floor is not None:
        beside = f"{took:.1f} s; the same command through ssh into wc -l: {floor:.1f} s"
        found.append(Figure("drained slower than through ssh by", took / floor, "times", 2.0, beside))
    return found


def _floor(session: Session, cursor: str) -> float | None:
    """Seconds of the same command through OpenSSH's client into wc; None where there is none."""
    if shutil.which("ssh") is None or session.checklist.host is None:
        return None
    host = session.checklist.host
    address = session.record.fact("host.address")
    command = f"journalctl -q --no-pager -a -o json --output-fields=MESSAGE,PRIORITY,_PID,SYSLOG_IDENTIFIER -u {UNIT}"
    argv = (
        f"ssh -q -i {shlex.quote(host.key)} -p {host.port} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        f" {host.user}@{address} {shlex.quote(f'{command} --after-cursor={shlex.quote(cursor)}')} | wc -l"
    )
    started = time.monotonic()
    done = subprocess.run(argv, shell=True, capture_output=True, text=True, check=False)
    return time.monotonic() - started if done.stdout.strip() == str(LINES) else None


async def _feed(app: LinesApp, batches: Any) -> None:
    async for batch in batches:
        app.view.feed(batch)


async def _until(holds: Any, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.001)
