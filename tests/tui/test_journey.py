"""A newcomer rehearses: reads the footer from the screen, presses only what is named there, and reaches the end."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from tests.tui.pseudo_terminal import Terminal, terminal

pytestmark = pytest.mark.long  # minutes, and a terminal of its own
LONGEST = 1500.0  # seconds for all of it, on a machine with other things to do
# What a newcomer takes when it is offered, the most wanted first. Words on the screen, no ids, no keys.
WANTED = ("continue", "choose", "save and go on", "phase", "next")
PERSISTENT = 3  # times that something is tried where it led nowhere
_DIALOG = "Tab moves · Enter chooses"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items()
        if name in ("PATH", "LANG", "VIRTUAL_ENV") or name.startswith(("PIP_", "UV_", "XDG_CACHE"))
    }  # fmt: skip
    return {**kept, "HOME": str(tmp_path), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}


def everything_holds(text: str) -> bool:
    found = re.search(r"(\d+) of (\d+) hold", text)
    return found is not None and found[1] == found[2]


def newcomer(screen: Terminal, log: list[str]) -> None:
    """Look until nothing moves, then press what is named; where that led nowhere, the next thing that is named."""
    end = time.monotonic() + LONGEST
    tried: dict[str, list[str]] = {}
    while time.monotonic() < end:
        text = screen.quiet(1.0)
        if everything_holds(text):
            return
        assert screen.process.poll() is None, f"the program is gone; pressed: {log}\n{text}"
        if _DIALOG in text:
            press(screen, log, "Tab")
            press(screen, log, "Enter")
            continue
        offered = screen.footer()
        here = tried.setdefault(f"{screen.lines[1]}\n{sorted(offered)}", [])
        words = [word for word in WANTED if word in offered]
        if "✗" in screen.lines[1]:  # it failed: what is before it may be missing
            words.reverse()
        word = next((word for word in words if here.count(word) < PERSISTENT), "")
        if not word:
            here.clear()
            continue
        here.append(word)
        press(screen, log, offered[word])
    raise AssertionError(f"the end was not reached; pressed: {log}\n{screen.text}")


def press(screen: Terminal, log: list[str], key: str) -> None:
    """Press a key, and give the program time to show something for it."""
    before, end = screen.text, time.monotonic() + 10.0
    log.append(key)
    screen.press(key)
    while screen.text == before and time.monotonic() < end:
        screen.read(0.1)
    screen.quiet(0.3)


def test_a_newcomer_reaches_the_end_by_the_keys_that_the_screen_names(environment: dict[str, str]) -> None:
    log: list[str] = []
    with terminal("rehearse", environment=environment) as screen:
        screen.until(lambda text: "REHEARSAL" in text, 120)
        newcomer(screen, log)
        assert set(log) <= {"Enter", "Tab", "F2", "A", "n"}, "only what footer and dialogs named"
        leave = screen.footer()["quit"]
        screen.press(leave)
        assert screen.ended(60) == 0
    assert b"Traceback" not in screen.raw
