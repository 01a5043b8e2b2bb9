"""Starts a practice world in a process of its own, and ends it: what the command line uses."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

# Variables of the operator's own AWS access that must not reach a rehearsal.
FOREIGN = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


class LaunchError(Exception):
    """The practice world did not start; the message says why."""


@dataclass
class World:
    """A running world. `env` is the environment in which every command works on it."""

    process: subprocess.Popen[bytes]
    ready: Mapping[str, Any]
    errors: Any

    @property
    def env(self) -> dict[str, str]:
        return dict(self.ready["env"])

    @property
    def control(self) -> str:
        """The control address, with a slash at its end."""
        return str(self.ready["control"])

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """A whole environment: the base (default: ours) without foreign AWS access, and this world's variables."""
        given = os.environ if base is None else base
        return {name: value for name, value in given.items() if name not in FOREIGN} | self.env

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self, timeout: float = 90.0) -> int:
        """End the world and wait until it has taken everything down; its exit status.

        A real host is given 30 s to power off in order and 10 to be ended, and its disk is deleted after that.
        """
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()
            self.errors.close()

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_world(
    *,
    state: Path | None = None,
    faults: Sequence[str] = (),
    old_side: str = "",
    timeout: float = 60.0,
    more: Sequence[str] = (),
) -> World:
    """Start a world and wait for its ready line. `state` None: a folder of its own that goes with it.

    `old_side` is what it is seeded with (`aws/old_side/plan.py`). Raises LaunchError with what the process said.
    """
    command = [sys.executable, "-m", "iris_migrate.rehearsal.world"]
    command += ["--state", str(state)] if state is not None else []
    command += ["--old-side", old_side] if old_side else []
    for fault in faults:
        command += ["--fault", fault]
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `stop`
    process = subprocess.Popen(
        [*command, *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,  # Ctrl-C in the terminal is for us; we end the world in order
    )
    line = _first_line(process, timeout)
    if line is None:
        process.kill()
        process.wait()
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace").strip()[-2000:]
        errors.close()
        raise LaunchError(said or f"The practice world was not ready within {timeout:g} s. Try again.")
    return World(process, json.loads(line), errors)


def _first_line(process: subprocess.Popen[bytes], timeout: float) -> bytes | None:
    assert process.stdout is not None
    deadline = time.monotonic() + timeout
    data = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while b"\n" not in data:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return None
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                return None
            data += piece
    return data.split(b"\n", 1)[0]
