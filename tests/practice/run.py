"""The program in a process of its own, on a practice world."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_migrate.rehearsal.launch import World
from iris_migrate.values import digest

SETTLED = ("holds", "confirmed", "waived", "left-out")
LIMIT = 600.0  # seconds; a run takes one minute on a quiet machine


@dataclass(frozen=True)
class Done:
    """What a process left: exit status, what it printed, what it said."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def statuses(self) -> dict[str, str]:
        return {step["id"]: step["status"] for step in self.document["steps"]}

    def why(self) -> str:
        """For a failing test: standard error, then the steps that do not hold: of a long text the end is seen."""
        found = [self.err[-3000:]]
        with contextlib.suppress(ValueError, KeyError, TypeError):
            open_ = [step for step in self.document["steps"] if step["status"] not in SETTLED]
            found += [f"{step['id']} {step['status']}: {step['detail']} {wrong(step)}"[:400] for step in open_]
        return "\n".join([*found, f"exit {self.status}"])


def wrong(step: Mapping[str, Any]) -> str:
    """What of a step's evidence does not hold."""
    return "; ".join(f"{item['asked']}: {item['seen']}" for item in step["evidence"] if item["verdict"] != "holds")


def command(world: World, *arguments: str, module: str = "iris_migrate.cli", limit: float = LIMIT) -> Done:
    """Run a command on the world, as a user would with the variables that `--serve` prints."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], env=world.environment(), capture_output=True, text=True,
        timeout=limit, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def killed(world: World, met: Path, *only: str) -> Done:
    """One process that kills itself at a new moment (or only at the one of this number)."""
    return command(world, str(met), *only, module="tests.practice.killed")


def killed_again_and_again(world: World, met: Path, *moments: str) -> Iterator[Done]:
    """Process after process, each killed at a new moment of these kinds, until one is not."""
    arguments = [sys.executable, "-m", "tests.practice.killed", str(met), *moments]
    with subprocess.Popen(
        arguments, env=world.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as source:
        assert source.stdin is not None and source.stdout is not None
        while True:
            source.stdin.write("\n")
            source.stdin.flush()
            done = Done(**json.loads(source.stdout.readline()))
            yield done
            if done.status >= 0:
                break
        source.stdin.close()


def moment_of(step: str, change: str) -> str:
    """Names a Change by what it does, not by its id: a retry has another id and is the same moment."""
    return f"{step} {digest(change)[:12]}"
