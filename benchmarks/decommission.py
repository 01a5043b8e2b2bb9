"""A decommission of the seeded HTTP API world, from the archive to the last thing gone."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from tests.practice.grounds import DAY, Grounds, Program, grounds_of

SOAK = 24 * 3600.0


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, grounds_of(Path(folder)) as grounds:
        grounds.advance(9 * DAY)
        program = Program(grounds)
        phrase = program.list().phrase
        waited, first = _timed(grounds, program, phrase)
        grounds.advance(SOAK + 400)
        more, second = _timed(grounds, program, phrase)
        writes = [call for call in grounds.writes() if call["status"] < 400]
        refused = [call for call in grounds.writes() if call["status"] >= 400]
    says = f"{first:.2f} s to archive and switch off, {second:.2f} s to delete; {len(writes)} changing calls"
    yield Figure("decommission of the HTTP world, besides soak and limiter", first + second, "s", 5.0, says)
    yield Figure("its soak", SOAK / 3600, "h", None, "the least possible is the setting soak.hours, 24")
    yield Figure("its waiting on the world's clock", waited + more, "s", None, "limiter and second looks; least: 0 s")
    yield Figure("its refused calls", len(refused), "calls", 0)


def _timed(grounds: Grounds, program: Program, phrase: str) -> tuple[float, float]:
    """Seconds on the world's clock that were waited for, and seconds that passed here."""
    offset, started = _offset(grounds), time.monotonic()
    program.execute(phrase)
    took = time.monotonic() - started
    return _offset(grounds) - offset, took


def _offset(grounds: Grounds) -> float:
    return float(grounds.control("clock")["offset"])
