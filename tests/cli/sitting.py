"""Somebody at a terminal: the program on a real pseudo-terminal, what it shows and what is typed."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

LIMIT = 20.0  # seconds until something that does not come is a failure


class Sitting:
    """Starts a command on a terminal of its own. `with` ends it."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env={**env, "TERM": "dumb"}, cwd=cwd,
            start_new_session=True,
        )  # fmt: skip
        self._slave = slave
        self.shown = ""
        self._seen = 0

    def __enter__(self) -> Sitting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)
        os.close(self._slave)

    def expect(self, text: str) -> str:
        """Wait until the text is shown after what was expected last; what was shown until then."""
        deadline = time.monotonic() + LIMIT
        while (at := self.shown.find(text, self._seen)) < 0:
            if not self._read(deadline, text):
                raise AssertionError(f"It ended before {text!r} was shown. Shown was:\n{self.shown[-3000:]}")
        before = self.shown[self._seen : at]
        self._seen = at + len(text)
        return before

    def type(self, line: str) -> None:
        os.write(self._master, line.encode() + b"\n")

    def choose(self, offered: str, question: str = "Choose") -> None:
        """Answer the next numbered question with what is offered under these words."""
        self.expect(f" {offered}")
        line = self.shown[: self._seen].rsplit("\n", 1)[-1]
        number = line[: -len(f" {offered}")].rsplit(" ", 1)[-1]
        self.expect(question)
        self.expect(":")
        self.type(number)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """Read on to the end; the exit status."""
        deadline = time.monotonic() + LIMIT
        while self._read(deadline, "its end"):
            pass
        return self._process.wait(LIMIT)

    def _read(self, deadline: float, what: str) -> bool:
        """Take what is there, waiting for it; False when the program has ended and all is taken."""
        while not select.select([self._master], [], [], 0.1)[0]:
            if self._process.poll() is not None and not select.select([self._master], [], [], 0)[0]:
                return False
            if time.monotonic() > deadline:
                raise AssertionError(f"{what!r} was not shown. Shown was:\n{self.shown[-3000:]}")
        self.shown += os.read(self._master, 65536).decode("utf-8", "replace").replace("\r\n", "\n")
        return True
