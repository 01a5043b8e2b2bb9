"""A whole run against the floor that sends the same and looks at nothing; and a second run when all holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.replay import Replay
from iris_migrate.rehearsal.launch import World, start_world


def run() -> Iterator[Figure]:
    with start_world() as world, start_world() as other:
        first = migrate(world)
        os.environ.update(other.env)
        replay = Replay(world, other)
        floor = replay.run()
        yield Figure(
            "a whole run", first / floor, "x", 1.25, f"{first:.1f} s, the floor {floor:.1f} s for {replay.sent} changes"
        )
        before = _state(world)
        second = migrate(world)
        yield Figure("a second run when all holds", second, "s", 3.0, "the whole process")
        changed = sorted(path for path, seen in _state(world).items() if before.get(path) != seen)
        yield Figure("files of the host written by it", len(changed), "files", 0, ", ".join(changed[:5]))


def migrate(world: World) -> float:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "iris_migrate.cli", "migrate", "--auto", "--format", "json"],
        env=world.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"the run ended with {done.returncode}:\n{done.stderr[-2000:]}")
    json.loads(done.stdout)
    return time.monotonic() - started


def _state(world: World) -> dict[str, tuple[int, int]]:
    """Files of the host's etc, opt, usr and var/lib by mtime and size."""
    root = Path(world.env["IRIS_MIGRATE_STATE"], "world", "host")
    found = {}
    for folder in ("etc", "opt", "usr", "var/lib"):
        for path in (root / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                seen = path.lstat()
                found[str(path.relative_to(root))] = (seen.st_mtime_ns, seen.st_size)
    return found
