"""The program in a process of its own, on a practice world."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_migrate.rehearsal.launch import World
from iris_migrate.values import digest

LIMIT = 300.0


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
        return f"exit {self.status}\n{self.err[-3000:]}"


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


def moment_of(step: str, change: str) -> str:
    """Names a Change by what it does, not by its id: a retry has another id and is the same moment."""
    return f"{step} {digest(change)[:12]}"
