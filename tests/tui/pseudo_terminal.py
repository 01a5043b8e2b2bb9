"""A real pseudo-terminal with somebody in front of it who reads the screen and presses what is named there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyte

KEYS = {
    "Enter": "\r", "Esc": "\x1b", "Tab": "\t", "Space": " ", "F1": "\x1bOP", "F2": "\x1bOQ", "F3": "\x1bOR",
    "F4": "\x1bOS", "Up": "\x1b[A", "Down": "\x1b[B", "Ctrl+Q": "\x11",
}  # fmt: skip
# What pyte does not know and would print: private modes of keyboards and queries.
_UNKNOWN = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\??[0-9;]*\$[a-z]|\x1b\[[0-9;]*[ ]?[qt]")
_PARTIAL = re.compile(rb"\x1b(?:\[[^a-zA-Z]*)?$")


class Terminal:
    """A program in a terminal. `raw` is every byte that it wrote."""

    def __init__(
        self, command: list[str], environment: Mapping[str, str], size: tuple[int, int] = (80, 24),
        folder: Path | None = None,
    ) -> None:  # fmt: skip
        columns, rows = size
        self.screen = pyte.Screen(columns, rows)
        self._stream, self._rest, self.raw = pyte.ByteStream(self.screen), b"", bytearray()
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        # Whoever runs the tests may have told a size of their own, and that would count more than the terminal's.
        told = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=told, start_new_session=True, cwd=folder,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - only this call
        )  # fmt: skip
        os.close(slave)

    def read(self, seconds: float) -> bool:
        """Take in what comes within this time; False when the program has closed its side."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += data
        data = self._rest + data
        cut = _PARTIAL.search(data)
        self._rest = data[cut.start() :] if cut else b""
        self._stream.feed(_UNKNOWN.sub(b"", data[: cut.start()] if cut else data))
        return bool(data)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def until(self, holds: Callable[[str], bool], seconds: float = 60.0) -> str:
        """Read until the screen satisfies; the text. What was there instead is in the error."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds(self.text):
                return self.text
            if not self.read(0.1):
                break
        if holds(self.text):
            return self.text
        raise AssertionError(f"not seen within {seconds:g} s; the screen:\n{self.text}")

    def quiet(self, seconds: float) -> str:
        """Read until nothing but clocks has changed for a while; the text."""
        before, since = "", time.monotonic()
        while time.monotonic() - since < seconds:
            alive = self.read(0.1)
            now = re.sub(r"[0-9]", "0", self.text)
            if now != before:
                before, since = now, time.monotonic()
            if not alive:
                break
        return self.text

    def press(self, key: str) -> None:
        os.write(self.master, KEYS.get(key, key).encode())

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.killpg(self.process.pid, signal.SIGWINCH)

    def footer(self) -> dict[str, str]:
        """Word to key, from the last line that says something."""
        last = next((line for line in reversed(self.lines) if line.strip()), "")
        found = {}
        for part in re.split(r"\s{2,}", last.strip()):
            key, _, words = part.partition(" ")
            if words and (key in KEYS or len(key) == 1 or key.startswith("Ctrl+")):
                found[words] = key
        return found

    def close(self) -> None:
        """The window is closed: nobody reads any more, and the program hears SIGHUP."""
        if self.master >= 0:
            os.close(self.master)
        self.master = -1

    def ended(self, seconds: float = 30.0) -> int:
        """The exit status; what is still written is read meanwhile."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        return self.process.wait(1)


@contextlib.contextmanager
def terminal(*arguments: str, environment: Mapping[str, str], size: tuple[int, int] = (80, 24)) -> Iterator[Terminal]:
    """iris-migrate in a terminal; ended with it."""
    with showing(Terminal([sys.executable, "-m", "iris_migrate.cli", *arguments], environment, size)) as shown:
        yield shown


@contextlib.contextmanager
def showing(shown: Terminal) -> Iterator[Terminal]:
    """Whatever happens, the program ends and the terminal is closed."""
    try:
        yield shown
    finally:
        if shown.process.poll() is None:
            os.killpg(shown.process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                shown.process.wait(20)
            if shown.process.poll() is None:
                os.killpg(shown.process.pid, signal.SIGKILL)
                shown.process.wait()
        shown.close()
