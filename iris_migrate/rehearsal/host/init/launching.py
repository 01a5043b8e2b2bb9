"""From a unit's command line to a process: user, folders, variables, as systemd checks them before it runs anything."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

from iris_migrate.rehearsal.host.init.spawning import Spawning
from iris_migrate.rehearsal.host.init.unit_files import UnitFile, expand, words
from iris_migrate.rehearsal.host.tree import Tree

# systemd's exit statuses for what fails before the program runs
STEPS = {200: "CHDIR", 203: "EXEC", 217: "USER", 226: "NAMESPACE", 1: "FAILURE", 2: "INVALIDARGUMENT"}


class StepFailed(Exception):
    """A process of a unit could not be started: systemd's exit status for it, and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def launch(
    spawning: Spawning, tree: Tree, file: UnitFile, user: str, argv: list[str], environment: dict[str, str]
) -> tuple[int, asyncio.Future[int], int]:
    """Start a unit's command; returns pid, end, and the pipe that its output comes from. Raises StepFailed."""
    for line in file.all("Service", "ReadWritePaths"):
        for path in words(line):
            if not path.startswith(("-", "+-")) and not Path(path).exists():
                raise StepFailed(226, f"Failed to set up mount namespacing: {path}: No such file or directory")
    folder = _folder(tree, file, user)
    argv = expand(argv, environment)
    program = argv[0] if argv[0].startswith("/") else _found(argv[0], tree.path)
    reading, writing = os.pipe()
    try:
        pid, end = spawning.start(
            [program, *argv[1:]], environment, folder, stdin=subprocess.DEVNULL, stdout=writing, stderr=writing,
            umask=int(file.one("Service", "UMask", "0022"), 8),
        )  # fmt: skip
    except OSError as error:
        os.close(reading)
        raise StepFailed(203, os.strerror(error.errno or 0)) from error
    finally:
        os.close(writing)
    return pid, end, reading


def _folder(tree: Tree, file: UnitFile, user: str) -> Path:
    wanted = file.one("Service", "WorkingDirectory", "/")
    folder = tree.home(user) if wanted == "~" else Path(wanted.removeprefix("-"))
    if folder.is_dir():
        return folder
    if wanted.startswith("-"):
        return Path("/")
    raise StepFailed(200, "Changing to the requested working directory failed: No such file or directory")


def _found(program: str, path: str) -> str:
    for folder in path.split(":"):
        if os.access(f"{folder}/{program}", os.X_OK):
            return f"{folder}/{program}"
    return f"/nonexistent/{program}"
