"""Start: the help, and a practice world."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.figure import Figure, median, spread
from iris_migrate.rehearsal.launch import start_world


def run() -> Iterator[Figure]:
    bare = [_seconds(sys.executable, "-c", "pass") for _ in range(9)]
    helped = [_seconds(sys.executable, "-m", "iris_migrate.cli", "--help") for _ in range(9)]
    yield Figure("--help", median(helped), "s", beside=f"a bare Python: {spread(bare)} s")
    ready = []
    for _ in range(3):
        started = time.monotonic()
        with start_world():
            ready.append(time.monotonic() - started)
    yield Figure("practice world ready", median(ready), "s", 3.0, f"three starts: {spread(ready)} s")


def _seconds(*command: str) -> float:
    started = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - started
