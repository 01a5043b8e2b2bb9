"""A terminal as lines: asks without blocking the loop, hides what is secret, forgets what was typed ahead."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import Iterator, Mapping
from typing import TextIO

from iris_migrate.redact import clean
from iris_migrate.symbols import fitting

_LONGEST = 65536  # bytes of one answer


class Terminal:
    """Standard input and one stream for people. Answers are None at the end of input."""

    def __init__(self, out: TextIO | None = None, fd: int = 0) -> None:
        self.out = out or sys.stdout
        self._fd = fd
        self._rest = b""
        self._ended = False

    @property
    def attended(self) -> bool:
        """Whether somebody can answer: nothing is asked of a pipe."""
        return os.isatty(self._fd) and not self._ended

    def say(self, line: str = "") -> None:
        """One line, without control sequences. A terminal that went away is no error: the record goes on."""
        self._write(fitting(clean(line), self.out) + "\n")

    async def ask(self, question: str, *, fresh: bool = False) -> str | None:
        """The typed line. `fresh` throws away what was typed before the question stood there."""
        if not self.attended:
            return None
        if fresh:
            self._forget()
        self._write(fitting(clean(question), self.out) + " ")
        return await self._line()

    async def secret(self, question: str) -> str | None:
        """A line that is not shown while it is typed."""
        if not self.attended:
            return None
        self._forget()
        with self._silent():
            self._write(fitting(clean(question), self.out) + " ")
            line = await self._line()
        self._write("\n")
        return line

    async def choose(self, choices: Mapping[str, str], *, fresh: bool = False) -> str | None:
        """One of these keys, by its number or itself; asked again until it is one. None at the end of input."""
        keys = list(choices)
        self.say("  ".join(f"{number} {says}" for number, says in enumerate(choices.values(), 1)))
        while (typed := await self.ask(f"Choose 1 to {len(keys)}:", fresh=fresh)) is not None:
            word = typed.strip().lower()
            if word.isdigit() and 1 <= int(word) <= len(keys):
                return keys[int(word) - 1]
            if word in keys:
                return word
            self.say(f"Type a number from 1 to {len(keys)}, then Enter.")
        return None

    def typed(self) -> bool:
        """Whether a line waits to be read; it is thrown away. For waiting that a key press ends."""
        import select

        if not self.attended or not select.select([self._fd], [], [], 0)[0]:
            return False
        self._forget()
        return True

    async def _line(self) -> str | None:
        loop = asyncio.get_running_loop()
        while b"\n" not in self._rest:
            ready = asyncio.Event()
            loop.add_reader(self._fd, ready.set)
            try:
                await ready.wait()
            finally:
                loop.remove_reader(self._fd)
            try:
                data = os.read(self._fd, 4096)
            except OSError:
                data = b""
            if not data or len(self._rest) > _LONGEST:
                self._ended = True
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return clean(line.decode("utf-8", "replace"))

    def _forget(self) -> None:
        self._rest = b""
        with contextlib.suppress(termios.error):
            termios.tcflush(self._fd, termios.TCIFLUSH)

    @contextlib.contextmanager
    def _silent(self) -> Iterator[None]:
        before = termios.tcgetattr(self._fd)
        quiet = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
        termios.tcsetattr(self._fd, termios.TCSADRAIN, quiet)
        try:
            yield
        finally:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, before)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.out.write(text)
            self.out.flush()
