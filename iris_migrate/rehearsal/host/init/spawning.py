"""How init starts a process and hears of its end, its own children and adopted orphans alike."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

FULL_DISK = Path(__file__).parent.parent / "full_disk.py"


class Spawning:
    """The one place that forks and reaps. Everything runs on one event loop."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._ends: dict[int, asyncio.Future[int]] = {}

    def watch(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def start(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        cwd: str | Path,
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
        umask: int = 0o022,
    ) -> tuple[int, asyncio.Future[int]]:
        """Start a process in a session of its own; the future is its wait status (see `os.waitstatus_to_exitcode`)."""
        if (self._root / ".practice/faults/disk-full").exists():
            argv = [sys.executable, "-I", "-S", str(FULL_DISK), str(self._root), *argv]
        process = subprocess.Popen(
            argv, env=dict(environment), cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr,
            start_new_session=True, umask=umask, restore_signals=True,
        )  # fmt: skip
        process.returncode = 0  # reaped below, not by Popen
        return process.pid, self.end_of(process.pid)

    def end_of(self, pid: int) -> asyncio.Future[int]:
        """A future of the end of a child or of an orphan that became one."""
        return self._ends.setdefault(pid, asyncio.get_running_loop().create_future())

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            future = self._ends.pop(pid, None)
            if future is not None and not future.done():
                future.set_result(os.waitstatus_to_exitcode(status))
