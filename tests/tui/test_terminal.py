"""At a real pseudo-terminal: it opens, it gives way where it cannot draw, signals end it in order, bytes are clean."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.pseudo_terminal import Terminal, showing, terminal

ROOT = Path(__file__).resolve().parents[2]
STARTED = "nothing is begun yet"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home of its own, without AWS."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return {
        **kept, "HOME": str(tmp_path), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "COLORTERM": "truecolor",
        "IRIS_MIGRATE_STATE": str(tmp_path / "state"), "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9/",
    }  # fmt: skip


def test_it_opens_shows_the_way_and_leaves(environment: dict[str, str]) -> None:
    with terminal(environment=environment) as screen:
        screen.until(lambda text: STARTED in text)
        assert screen.footer() == {"choose": "Enter", "help": "?", "quit": "q"}
        screen.press("q")
        assert screen.ended() == 0
    assert b"\x1b[?1049l" in screen.raw, "the terminal is given back"


def test_keys_typed_before_anything_is_drawn_are_neither_lost_nor_a_crash(environment: dict[str, str]) -> None:
    with terminal(environment=environment) as screen:
        screen.press("q")
        assert screen.ended(60) == 0
    assert b"Traceback" not in screen.raw


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_draw_gets_the_numbered_frontend(environment: dict[str, str], term: str) -> None:
    with terminal("migrate", environment={**environment, "TERM": term}) as screen:
        assert screen.ended(60) == 3, "there is no AWS here; it says so and leaves"
    assert b"\x1b[" not in screen.raw
    assert b"Traceback" not in screen.raw


def test_without_a_terminal_it_neither_draws_nor_hangs(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "iris_migrate.cli", "migrate"], stdin=subprocess.DEVNULL, capture_output=True,
        timeout=60, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert b"\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(environment: dict[str, str], number: int) -> None:
    with terminal(environment=environment) as screen:
        screen.until(lambda text: STARTED in text)
        screen.process.send_signal(number)
        assert screen.ended() == 130
    assert b"\x1b[?1049l" in screen.raw


def test_small_and_back(environment: dict[str, str]) -> None:
    with terminal(environment=environment) as screen:
        before = screen.until(lambda text: STARTED in text)
        screen.resize(20, 5)
        screen.until(lambda text: "Start" in text and "iris-migrate" not in text)
        screen.resize(80, 24)
        screen.until(lambda text: text.splitlines()[1:] == before.splitlines()[1:])
        screen.press("q")
        assert screen.ended() == 0


def test_a_console_without_our_signs_gets_ascii(environment: dict[str, str]) -> None:
    with terminal(environment={**environment, "IRIS_MIGRATE_ASCII": "1"}) as screen:
        screen.until(lambda text: STARTED in text)
        screen.press("q")
        screen.ended()
    assert bytes(screen.raw).isascii()


def test_no_color_draws_in_greys(environment: dict[str, str]) -> None:
    with terminal(environment={**environment, "NO_COLOR": "1"}) as screen:
        screen.until(lambda text: STARTED in text)
        screen.press("q")
        assert screen.ended() == 0
    colours = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", bytes(screen.raw))
    assert all(red == green == blue for red, green, blue in colours)


HOSTILE = """
from pathlib import Path
from tests.tui.canned import ANSWERS, CannedApp, CannedAws
import sys
bad = "a\\x1b]52;c;QUJD\\x07b\\x1b[31mc\\x9b5nd[bold]e\\x1bP1$r\\x1b\\\\f\\x1b]0;title\\x07g\\u202eh"
answers = {
    **ANSWERS,
    "lambda:ListFunctions": [{"FunctionName": "iris-backend", "Runtime": bad}],
    "apigatewayv2:GetApis": [{"ApiId": "a1", "Name": bad, "ProtocolType": "HTTP", "ApiEndpoint": bad}],
    "lambda:GetFunctionConfiguration": {"Environment": {"Variables": {bad: "x", "OPENAI_MODEL": bad}}},
}
CannedApp(Path(sys.argv[1]), CannedAws(answers, alias=bad)).run()
"""


def test_no_control_byte_of_names_in_aws_reaches_the_terminal(environment: dict[str, str], tmp_path: Path) -> None:
    """The canned AWS does not clean as the connection does: what the widgets are fed is as bad as can be."""
    command = [sys.executable, "-c", HOSTILE, str(tmp_path)]
    with showing(Terminal(command, {**environment, "PYTHONPATH": str(ROOT)}, (120, 40))) as screen:
        screen.until(lambda text: STARTED in text)
        screen.press("Enter")
        screen.until(lambda text: "unknown: AWS" in text or "missing:" in text)
        screen.press("Enter")
        screen.until(lambda text: "calls in 14 days" in text)
        assert "[bold]e" in screen.text, "markup of theirs is text"
        screen.press("Enter")
        screen.until(lambda text: "Cost a month" in text)
        screen.press("Ctrl+Q")
        screen.ended()
    for theirs in (b"\x1b]52", b"\x1b]0;title", b"\x1b[31m", b"\x1bP1", b"\xc2\x9b", b"\x9b5n", b"\xe2\x80\xae"):
        assert theirs not in screen.raw, theirs
