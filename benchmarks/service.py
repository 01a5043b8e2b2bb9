"""The backend's figures under gunicorn: hits, flights, health, memory, kills. `hits` and `memory` need `wrk`."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.backend.load import have_wrk
from benchmarks.figure import Figure

PARTS = ("hits", "flights", "health", "memory", "kills")
LOADED = {"hits", "memory"}


def run(parts: Sequence[str] = PARTS) -> Iterator[Figure]:
    """Measure the parts asked for; a part that cannot be measured here is named with the reason."""
    print(f"backend: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before", flush=True)
    for part in parts:
        if part in LOADED and not have_wrk():
            print(f"{part}: left out, Debian's package wrk is not installed", flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="iris-bench-") as folder:
            yield from importlib.import_module(f"benchmarks.backend.{part}").measure(Path(folder))
