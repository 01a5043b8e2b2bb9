"""Decommissions to the last thing gone: the seeded HTTP API world, and 10,000 images with 500 indexes."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from tests.practice.grounds import DAY, Grounds, Program, grounds_of

SOAK = 24 * 3600.0
ROUNDED, LAG = 600.0, 300.0  # the note since when it is off is rounded up; metrics are late
IMAGES, INDEXES = 10_000, 500
BATCH, PAGE = 100, 1000  # image ids in one call of ECR, images in one page
DELETE = "BatchDeleteImage"

Calls = Sequence[dict[str, Any]]


def run() -> Iterator[Figure]:
    yield from _world()
    yield from _images()


def _world() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, grounds_of(Path(folder)) as grounds:
        grounds.advance(9 * DAY)
        program = Program(grounds)
        phrase = program.list().phrase
        before = len(_calls(grounds))
        waited, first = _timed(grounds, program, phrase)
        grounds.advance(SOAK + ROUNDED + LAG)
        more, second = _timed(grounds, program, phrase)
        calls = _calls(grounds)[before:]
    writes = [call for call in calls if call["write"]]
    done = [call for call in writes if call["status"] < 400]
    says = f"{first:.2f} s to archive and switch off, {second:.2f} s to delete; {len(done)} changing calls"
    yield Figure("decommission of the HTTP world, besides soak and limiter", first + second, "s", 5.0, says)
    yield Figure("its soak", SOAK / 3600, "h", None, "the least possible is the setting soak.hours, 24")
    yield Figure("its waiting on the world's clock", waited + more, "s", None, "limiter and second looks; least: 0 s")
    yield Figure("its refused calls", len(writes) - len(done), "calls", 0)


def _timed(grounds: Grounds, program: Program, phrase: str) -> tuple[float, float]:
    """Seconds on the world's clock that were waited for, and seconds that passed here."""
    offset, started = _offset(grounds), time.monotonic()
    program.execute(phrase)
    took = time.monotonic() - started
    return _offset(grounds) - offset, took


def _offset(grounds: Grounds) -> float:
    return float(grounds.control("clock")["offset"])


def _calls(grounds: Grounds) -> Calls:
    found: Calls = grounds.control("calls")["calls"]
    return found


def _images() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, grounds_of(Path(folder), "many-images") as grounds:
        program = Program(grounds)
        started = time.monotonic()
        done = program.taken_down()
        took = time.monotonic() - started
        calls = _calls(grounds)
        assert all(item.state == "gone" for item in done.items), program.why(done)
        kinds = Counter(item.name.partition(" ")[0] for item in done.items if item.step == "images")
        assert kinds == {"image": IMAGES - INDEXES, "index": INDEXES}, kinds
    ecr = [call for call in calls if call["service"] == "ecr"]
    names = [call["operation"] for call in ecr]
    # A repository without a policy says so with an error: that is its answer.
    refused = [call for call in ecr if call["status"] >= 400 and call["operation"] != "GetRepositoryPolicy"]
    yield Figure("10,000 images, 500 of them indexes: delete calls", names.count(DELETE), "calls", IMAGES / BATCH)
    yield Figure("their refused calls", len(refused), "calls", 0)
    yield _removal(calls)
    yield Figure("all calls to ECR, from the first list to the last look", len(names), "calls", None, _counted(names))
    yield Figure("the whole of it", took, "s", None, "archive, switch, delete; the world's clock moved on")


def _removal(calls: Calls) -> Figure:
    """Every call to ECR between the change before the first delete and the change after the last one."""
    deletes = [at for at, call in enumerate(calls) if call["operation"] == DELETE]
    others = [at for at, call in enumerate(calls) if call["write"] and call["operation"] != DELETE]
    before = max(at for at in others if at < deletes[0])
    after = min((at for at in others if at > deletes[-1]), default=len(calls))
    names = [call["operation"] for call in calls[before:after] if call["service"] == "ecr"]
    least = IMAGES // PAGE + IMAGES // BATCH + 1  # list, delete, look
    return Figure("calls of their removal", len(names) / least, "x", 1.2, f"{_counted(names)}; the least {least}")


def _counted(names: Sequence[str]) -> str:
    return f"{len(names)}: {', '.join(f'{count} {name}' for name, count in Counter(names).most_common())}"
