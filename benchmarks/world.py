"""A practice world in which the whole journey has been made: what there is to look at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from iris_migrate.auto import AutoOperator
from iris_migrate.engine.options import Options
from iris_migrate.engine.session import Session
from iris_migrate.rehearsal.launch import World, start_world


@contextmanager
def finished() -> Iterator[World]:
    """A world after `migrate --auto`; our own environment is the world's meanwhile."""
    with start_world() as world:
        done = subprocess.run(
            [sys.executable, "-m", "iris_migrate.cli", "migrate", "--auto", "--format", "json"],
            env=world.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise SystemExit(f"the journey did not come to its end:\n{done.stderr[-2000:]}")
        before = dict(os.environ)
        os.environ.update(world.env)
        try:
            yield world
        finally:
            os.environ.clear()
            os.environ.update(before)


async def session(**options: Any) -> Session:
    """An open session on the world of the environment; nobody answers its questions."""
    return await Session(Options(**options), AutoOperator(say=lambda line: None)).open()


def control(world: World, path: str, body: dict[str, Any]) -> Any:
    """Tell the world's control address something."""
    request = urllib.request.Request(f"{world.control}{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
