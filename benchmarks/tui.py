"""The checklist: first paint beside an empty app, a burst of lines, idling with a journal, a thousand steps."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, median, spread
from benchmarks.paint import EMPTY, seconds_to

HERE = str(Path(__file__).parents[1])
CHECKLIST = f"""
import gc, sys
gc.disable()  # as the command does
sys.path.insert(0, {HERE!r})
from benchmarks.tui_apps import checklist
checklist(40).run()
"""
ROUNDS, LINES, LENGTH = 7, 200_000, 120


def run() -> Iterator[Figure]:
    yield from _paints()
    yield from asyncio.run(_steps())
    yield from asyncio.run(_burst())
    yield from asyncio.run(_idle())


# First paint, in a pseudo-terminal: until the text that the screen is about stands there


def _paints() -> Iterator[Figure]:
    empty, checklist = [], []
    for _ in range(ROUNDS):  # in turns, so that a busy moment of the machine hits both
        empty.append(seconds_to(b"painted", EMPTY))
        checklist.append(seconds_to(b"Phase 1", CHECKLIST))
    yield Figure(
        "first frame of the Checklist, beside an empty Textual app", median(checklist) / median(empty), "times", 1.7,
        f"{spread(checklist)} s against {spread(empty)} s; {ROUNDS} rounds in turns",
    )  # fmt: skip


@contextlib.contextmanager
def _terminal(argv: Sequence[str], state: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = {
        **os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "IRIS_MIGRATE_STATE": state,
        "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True)
    os.close(slave)
    try:
        yield master, process
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _read(master: int, seconds: float = 0.005) -> bytes:
    if not select.select([master], [], [], seconds)[0]:
        return b""
    with contextlib.suppress(OSError):
        return os.read(master, 1 << 16)
    return b""


# A thousand steps


async def _steps() -> list[Figure]:
    opened: dict[int, list[float]] = {40: [], 1000: []}
    keys: dict[int, list[float]] = {40: [], 1000: []}
    for _ in range(3):
        for count, seconds in opened.items():
            async with _checklist(count) as (app, took):
                seconds.append(took)
                keys[count] += await _keys(app)
    more = min(opened[1000]) - min(opened[40])
    return [
        Figure("a checklist of 1,000 steps opens later than one of 40 by", more, "s", 0.5,
               f"{spread(opened[1000])} s and {spread(opened[40])} s to the first picture"),
        Figure("a key in a checklist of 1,000 steps", median(keys[1000]) * 1000, "ms", 50,
               f"{len(keys[1000])} times down, to the drawn line; in one of 40: {median(keys[40]) * 1000:.0f} ms"),
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def _checklist(count: int) -> AsyncIterator[tuple[Any, float]]:
    from benchmarks.tui_apps import checklist

    app = checklist(count)
    started = time.monotonic()
    async with app.run_test(size=(120, 40)):
        while not app.ready:
            await asyncio.sleep(0.001)
        took = time.monotonic() - started
        while not app.page.idle:
            await asyncio.sleep(0.01)
        yield app, took


async def _keys(app: Any) -> list[float]:
    seconds = []
    for _ in range(30):
        before = app.page.query_one("StepList").place
        started = time.monotonic()
        app.simulate_key("down")
        while app.page.query_one("StepList").place == before:
            await asyncio.sleep(0)
        app.screen._compositor.render_update(full=False)  # what the driver would send
        seconds.append(time.monotonic() - started)
    return seconds


# A burst of lines into the visible view


async def _burst() -> list[Figure]:
    from benchmarks.tui_apps import LinesApp, resident
    from iris_migrate.tui.widgets.lines import ShownLine

    app = LinesApp()
    async with app.run_test(size=(120, 40)):
        text = "x" * LENGTH
        app.view.feed([ShownLine(text)] * 1000)
        while app.view.lines.total < 1000:
            await asyncio.sleep(0.01)
        idle = asyncio.create_task(stalls())
        await asyncio.sleep(3)
        idle.cancel()
        floor = await idle
        before, watching = resident(), asyncio.create_task(stalls())
        started = time.monotonic()
        for at in range(0, LINES, 500):  # as the connection hands lines over
            app.view.feed([ShownLine(f"{at + n} {text}"[:LENGTH], 6, time.time(), "unit") for n in range(500)])
            await asyncio.sleep(0)
        while app.view.lines.total < LINES + 1000:
            await asyncio.sleep(0.005)
        took = time.monotonic() - started
        watching.cancel()
        longest = await watching
        grown = resident() - before
        missing = LINES + 1000 - app.view.lines.total
    return [
        Figure(f"{LINES} lines into the visible view: missing", missing, "lines", 0),
        Figure(
            "longest stall meanwhile",
            longest * 1000,
            "ms",
            100,
            f"the same loop with nothing to do, before it: {floor * 1000:.0f} ms",
        ),
        Figure("memory grown", grown, "MB", 40, f"{LENGTH} bytes a line, 50,000 kept"),
        Figure("lines taken over", LINES / took, "lines/s", beside="informational: the view alone, fed from memory"),
    ]


async def stalls() -> float:
    longest, last = 0.0, time.monotonic()
    try:
        while True:
            await asyncio.sleep(0.005)
            now = time.monotonic()
            longest, last = max(longest, now - last - 0.005), now
    except asyncio.CancelledError:
        return longest


# Idle with a journal


async def _idle() -> list[Figure]:
    """A checklist in a real pseudo-terminal whose journal gets 20 lines a second: processor time over ten seconds."""
    with tempfile.TemporaryDirectory() as state:
        program = "from benchmarks.tui_apps import checklist\nchecklist(40, journal=20).run()"
        with _terminal([sys.executable, "-c", program], state) as (master, process):
            seen, started = b"", time.monotonic()
            while b"beat" not in seen and time.monotonic() - started < 60:
                seen += _read(master)
            await _drain(master, 2)
            before = _processor(process.pid)
            await _drain(master, 10)
            used = (_processor(process.pid) - before) / 10
    return [Figure("idle checklist with 20 lines a second", used * 100, "% of a core", 10, "processor time over 10 s")]


async def _drain(master: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _read(master, 0.05)


def _processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
