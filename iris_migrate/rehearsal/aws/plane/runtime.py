"""Execution environments: the code of a function version, run by a process that has that function's variables alone."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_ENDING = 2.0  # seconds


class CodeError(Exception):
    """A function's code cannot be run; `kind` is the error type that Lambda names."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Code:
    """What a function version consists of. `layers` are gzipped tar files, `archive` is a zip; one of the two."""

    digest: str
    handler: str
    archive: bytes = b""
    layers: Sequence[bytes] = ()

    def unpack(self, folder: Path) -> None:
        """Write the code into a new folder. Raises CodeError for what is no zip and no layer."""
        folder.mkdir(parents=True)
        try:
            if self.archive:
                with zipfile.ZipFile(io.BytesIO(self.archive)) as code:
                    code.extractall(folder)  # noqa: S202 - zipfile keeps names inside the folder
            for layer in self.layers:
                with tarfile.open(fileobj=io.BytesIO(layer), mode="r:gz") as files:
                    files.extractall(folder, filter="data")
        except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError) as error:
            raise CodeError("Runtime.InvalidEntrypoint", f"The code cannot be unpacked: {error}") from error


@dataclass(slots=True)
class Environment:
    """One process that answers the events of one function version, one at a time."""

    process: subprocess.Popen[bytes]
    lock: threading.Lock = field(default_factory=threading.Lock)
    _rest: bytes = b""

    def ask(self, event: Any, context: Mapping[str, str], seconds: float) -> dict[str, Any]:
        """`{"result": …}` or `{"error": {errorType, errorMessage}}`, and `said`. After a time-out it is of no use."""
        line = json.dumps({"event": event, "context": dict(context)}).encode() + b"\n"
        timed_out = {"errorType": "Sandbox.Timedout", "errorMessage": f"Task timed out after {seconds:.2f} seconds"}
        exited = {"errorType": "Runtime.ExitError", "errorMessage": "Runtime exited without providing a reason"}
        assert self.process.stdin is not None and self.process.stdout is not None
        with self.lock:
            try:
                self.process.stdin.write(line)
                self.process.stdin.flush()
                while b"\n" not in self._rest:
                    ready, _, _ = select.select([self.process.stdout], [], [], seconds)
                    if not ready:
                        self.end()
                        return {"error": timed_out, "said": ""}
                    piece = os.read(self.process.stdout.fileno(), 1 << 20)
                    if not piece:
                        raise OSError("ended")
                    self._rest += piece
            except OSError:
                self.end()
                return {"error": exited, "said": ""}
            answer, _, self._rest = self._rest.partition(b"\n")
        told: dict[str, Any] = json.loads(answer)
        return told

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_ENDING)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Runtime:
    """Keeps environments warm, by code and variables: another version or another variable starts another one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._warm: dict[str, Environment] = {}
        self._lock = threading.Lock()

    def run(
        self, code: Code, variables: Mapping[str, str], event: Any, context: Mapping[str, str], seconds: float
    ) -> dict[str, Any]:
        """The answer of the handler. Raises CodeError."""
        return self._environment(code, variables, context).ask(event, context, seconds)

    def end(self) -> None:
        with self._lock:
            for environment in self._warm.values():
                environment.end()
            self._warm.clear()

    def _environment(self, code: Code, variables: Mapping[str, str], context: Mapping[str, str]) -> Environment:
        name = json.dumps([code.digest, code.handler, context["arn"], sorted(variables.items())])
        with self._lock:
            warm = self._warm.get(name)
            if warm is None or not warm.alive:
                warm = self._warm[name] = self._start(code, variables, context)
            return warm

    def _start(self, code: Code, variables: Mapping[str, str], context: Mapping[str, str]) -> Environment:
        folder = self._folder / code.digest.replace("sha256:", "")[:32].replace("/", "_")
        if not folder.exists():
            code.unpack(folder)
        temporary = self._folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        own = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TMPDIR": str(temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_LAMBDA_FUNCTION_NAME": context["name"],
            "AWS_LAMBDA_FUNCTION_VERSION": context["version"],
        }
        process = subprocess.Popen(
            [sys.executable, "-P", str(_BOOTSTRAP), str(folder), code.handler],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**own, **variables},
            cwd=folder,
        )
        return Environment(process)
