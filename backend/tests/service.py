"""The real service for tests: gunicorn with its own configuration, in processes of its own, on a free port."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BACKEND = Path(__file__).resolve().parent.parent
KEY = "test-key-1"


@dataclass(frozen=True)
class Reply:
    """One response."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


class Service:
    """Start with `with`; everything it started has ended afterwards."""

    def __init__(self, folder: Path, model_url: str, target: str = "src.server:app", **settings: str) -> None:
        self.port = free_port()
        self.cache_dir = folder / "cache"
        self.log = folder / "service.log"
        self._target = target
        self._environment = {
            **{
                name: value for name, value in os.environ.items() if not name.startswith(("IRIS_", "CACHE_", "OPENAI_"))
            },
            "OPENAI_API_KEY": "sk-test-only",
            "OPENAI_BASE_URL": model_url,
            "IRIS_API_KEY": f"{KEY},test-key-2",
            "IRIS_BIND": f"127.0.0.1:{self.port}",
            "IRIS_KEY_LIMIT": "1000000 per minute",
            "IRIS_ADDRESS_LIMIT": "1000000 per minute",
            "CACHE_DIR": str(self.cache_dir),
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """gunicorn's master."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "gunicorn_config.py", self._target],
                cwd=BACKEND,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        until(self._answers, f"the service does not answer: see\n{self.log}")

    def stop(self) -> None:
        """End the master, which ends its workers."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                for pid in (*self.workers(), self._process.pid):
                    os.kill(pid, signal.SIGKILL)
                self._process.wait()
            self._process = None

    def workers(self) -> list[int]:
        """The worker processes that live now."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def worker_with(self, port: int) -> int:
        """The worker that has a connection with `port` at either end; ports of clients are used once at a time."""
        for pid in self.workers():
            if port in _ports(pid):
                return pid
        raise AssertionError(f"no worker has a connection with port {port}")

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.headers.items()}, response.read())
        finally:
            connection.close()

    def analyze(self, source: str, language: str = "python", key: str = KEY) -> Reply:
        """Ask about one source as the extension does."""
        return self.ask("POST", "/api/iris/analyze", request_body(source, language), **json_headers(key))

    def health(self) -> Reply:
        return self.ask("GET", "/api/iris/health")

    def stats(self) -> Any:
        return self.ask("GET", "/api/iris/stats", x_api_key=KEY).json

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"the service ended at once:\n{self.log.read_text()[-3000:]}")
        try:
            return self.health().status in {200, 503}
        except OSError:
            return False


def _ports(pid: int) -> set[int]:
    """Both ends of the established connections of one process, as Linux tells them."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            inodes.add(str(entry.readlink()).removeprefix("socket:[").removesuffix("]"))
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    mine = [row for row in rows if row[9] in inodes and row[3] == "01"]
    return {int(end.split(":")[1], 16) for row in mine for end in row[1:3]}


def request_body(source: str, language: str = "python") -> bytes:
    """What the extension sends: the source already numbered."""
    lines = source.split("\n")
    numbered = "\n".join(f"{number} | {line}" for number, line in enumerate(lines, 1))
    metadata = {"filepath": "/home/user/project/a.py", "line_count": len(lines)}
    sent = {"filename": "a.py", "language": language, "source_code": numbered, "metadata": metadata}
    return json.dumps(sent).encode()


def json_headers(key: str = KEY) -> dict[str, str]:
    return {"Content_Type": "application/json", "x_api_key": key}


def until(holds: Any, otherwise: str, seconds: float = 20.0) -> None:
    """Wait for an event; the limit only ends a test that will not end by itself."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(otherwise)
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
