"""The shipped scripts as a host gets them: rendered by the language, with all paths below a folder of the test."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from iris_migrate.language.checklist import Checklist
from iris_migrate.language.load import load


@dataclass(frozen=True)
class Ran:
    status: int
    out: str

    @property
    def last(self) -> str:
        return self.out.strip().splitlines()[-1]


Run = Callable[..., Ran]


@pytest.fixture
def port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def checklist(tmp_path: Path, port: int) -> Checklist:
    flags = {"os": "practice", "host.root": str(tmp_path / "host"), "app_port": str(port), "domain": "iris.example.com"}
    return load("lambda-to-ec2", flags=flags)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a script as a job does: from standard input's side nothing, both outputs in one."""

    def run(script: str, env: Mapping[str, str] | None = None, *arguments: str) -> Ran:
        path = f"{tmp_path}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        done = subprocess.run(
            ["sh", "-c", script, "script", *arguments],
            env={"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8", **(env or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout)

    return run
