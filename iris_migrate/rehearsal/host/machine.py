"""The running practice machine as its SSH server sees it: init's process, and commands run through it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from iris_migrate.rehearsal.host.init import processes
from iris_migrate.rehearsal.host.tree import AS_USER, MARKER, Tree, passed_on

MESSAGE = 1 << 20


class PracticeHostError(Exception):
    """The practice host cannot do what was asked; the message says what to do."""


@dataclass(slots=True)
class Command:
    """A started command: its pid, and the connection on which init tells its end."""

    pid: int
    _connection: socket.socket

    def wait(self) -> int:
        """The exit status; negative: the signal that ended it; 255 when init is gone."""
        try:
            data = self._connection.recv(MESSAGE)
        except OSError:
            data = b""
        finally:
            self._connection.close()
        return int(json.loads(data)["status"]) if data else 255

    def kill(self) -> None:
        """End the command's process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


class Machine:
    """Starts and ends init; when init ends because of `reboot`, says so to whoever listens."""

    def __init__(self, tree: Tree, user: str, rebooted: Callable[[], None]) -> None:
        self.tree, self.user = tree, user
        self._rebooted = rebooted
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start init and wait until it listens. What an earlier start left is ended first."""
        with self._lock:
            if self.running:
                return
            self.sweep()
            package = Path(__file__).resolve().parents[3]
            environment = {"PATH": os.environ.get("PATH", ""), MARKER: str(self.tree.root), "PYTHONPATH": str(package)}
            process = subprocess.Popen(
                [sys.executable, "-S", "-m", "iris_migrate.rehearsal.host.init", str(self.tree.root)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True, cwd="/",
                stderr=(self.tree.machinery / "init.log").open("ab"),
            )  # fmt: skip
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                said = (self.tree.machinery / "init.log").read_text(errors="replace")[-2000:]
                raise PracticeHostError(f"the practice host's init did not start; it said: {said}")
            self._process = process
            threading.Thread(target=self._await_end, args=(process,), daemon=True, name="practice-init").start()

    def _await_end(self, process: subprocess.Popen[bytes]) -> None:
        if process.wait() == 100:
            self._rebooted()

    def stop(self) -> None:
        """End init and with it every process of the host."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            self.sweep()
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self.sweep()

    def sweep(self) -> None:
        left = processes.sweep(MARKER, str(self.tree.root), spare=frozenset({os.getpid()}))
        if left:
            raise PracticeHostError(f"processes of the practice host do not end: {sorted(left)}")

    def environment(self) -> dict[str, str]:
        """What sshd gives to a command of the login user, and what this machine needs besides."""
        home = self.tree.home(self.user)
        return {
            "HOME": str(home), "USER": self.user, "LOGNAME": self.user, "SHELL": "/bin/sh", "PATH": self.tree.path,
            "LANG": "C.UTF-8", "TMPDIR": str(self.tree.root / "tmp"), **passed_on(os.environ),
            MARKER: str(self.tree.root), AS_USER: self.user,
        }  # fmt: skip

    def run(self, command: str, pipes: tuple[int, int, int]) -> Command:
        """Run a command line with `sh`; the pipes are its standard input, output and error."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MESSAGE)
            connection.connect(self.tree.control_address())
            request = {
                "do": "run", "argv": ["/bin/sh", "-c", command], "cwd": str(self.tree.home(self.user)),
                "environment": self.environment(),
            }  # fmt: skip
            socket.send_fds(connection, [json.dumps(request).encode()], list(pipes))
            data = connection.recv(MESSAGE)
        except OSError as error:
            connection.close()
            raise PracticeHostError(f"the practice host is down: {error}") from error
        if not data:
            connection.close()
            raise PracticeHostError("the practice host went down")
        answer = json.loads(data)
        if not answer["pid"]:
            connection.close()
            raise PracticeHostError("the command could not be started")
        return Command(int(answer["pid"]), connection)
