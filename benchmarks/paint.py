"""The first frame: ours beside an empty Textual app, each in a pseudo-terminal, taking turns."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks.figure import Figure, median, spread

ROUNDS = 9
LIMIT = 1.3  # times the empty app
EMPTY = """
from textual.app import App
from textual.widgets import Label
class Empty(App):
    def compose(self):
        yield Label("painted")
Empty().run()
"""
OURS = "from iris_migrate.cli import main; import sys; sys.exit(main([]))"


def run() -> Iterator[Figure]:
    empty, ours = [], []
    for _ in range(ROUNDS):
        empty.append(seconds_to(b"painted", EMPTY))
        ours.append(seconds_to(b"Migrate", OURS))
    ratio = median(ours) / median(empty)
    yield Figure(
        "first frame of the Start screen, beside an empty Textual app", ratio, "times", LIMIT,
        f"{median(ours):.3f} s (range {spread(ours)}) against {median(empty):.3f} s (range {spread(empty)})",
    )  # fmt: skip


def seconds_to(text: bytes, program: str) -> float:
    """From the start of the process until a text of its frame has come through the terminal."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        began = time.monotonic()
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdin=slave, stdout=slave, stderr=slave, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        try:
            return _until(master, text, began)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(master)


def _until(master: int, text: bytes, began: float) -> float:
    seen = b""
    while select.select([master], [], [], 30.0)[0]:
        seen += os.read(master, 65536)
        if text in seen:
            return time.monotonic() - began
    raise RuntimeError(f"{text!r} never came; this did: {seen[-300:]!r}")
