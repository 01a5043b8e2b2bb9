"""What others wrote reaches the terminal as letters only: the raw bytes of a real pseudo-terminal are read."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from tests.tui.hostile import ATTACKS
from tests.tui.pseudo_terminal import Terminal

# What Textual itself sends: CSI; OSC only for the pointer's shape (22).
_OURS = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\]22;[a-z-]*(?:\x07|\x1b\\)|\x1b[78=>]")
ROOT = Path(__file__).resolve().parents[2]
MARKS = tuple(attack.rpartition(" ")[2] for attack in ATTACKS)


def test_hostile_lines_reach_the_terminal_without_their_control_bytes(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "tests.tui.hostile", "."]  # from here: never as long as the folder
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}
    terminal = Terminal(argv, environment, (160, 50), tmp_path)
    try:
        terminal.until(lambda text: "seen-name" in text and "Risk" in text)
        terminal.press("d")
        terminal.press("3")
        terminal.until(lambda text: text.count("seen-f") >= 2)
        terminal.press("2")
        terminal.until(lambda text: "evilunit" in text and all(mark in text for mark in MARKS))
        terminal.press("n")
        terminal.until(lambda text: "no: False, expected True" in text)  # what is applied has been seen
        terminal.press("a")
        terminal.until(lambda text: "Failed" in text and "Wrote" in text and "seen-c" in text)
        terminal.press("l")
        terminal.until(lambda text: "memory" in text)
        terminal.press("q")
        assert terminal.ended() in (0, 1)
    finally:
        if terminal.process.poll() is None:
            terminal.process.kill()
        os.close(terminal.master)
    raw = bytes(terminal.raw)
    rest = _OURS.sub(b"", raw)
    for evil in (b"\x1b", b"\x07", b"\x7f", b"\xc2\x9b", b"\xc2\x9d", b"\xc2\x90", b"\xc2\x9c", "\u202e".encode()):
        at = rest.find(evil)
        assert at < 0, rest[max(0, at - 60) : at + 60]
    for sequence in (b"\x1b]52", b"\x1b]0;", b"\x1b[200~", b"\x1b[201~"):
        assert sequence not in raw
