"""How the screens of the way look, in their states. A picture that changed is looked at before it is accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from iris_migrate.connections.aws import Identity
from iris_migrate.target import AwsError, Unreadable
from iris_migrate.tui.screens.connect import ConnectScreen
from iris_migrate.tui.screens.opening import OpeningScreen
from iris_migrate.tui.standing import Standing
from tests.tui import steps
from tests.tui.canned import ANSWERS, CannedApp, CannedAws

NARROW, WIDE = (80, 24), (120, 40)
Compare = Callable[..., bool]
EXPIRED = "The AWS login has expired. Log in again: aws sso login --profile example."
REFUSED = AwsError("AccessDenied", "not authorized", "cloudwatch:GetMetricStatistics")


@pytest.fixture(autouse=True)
def _no_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iris_migrate.connections.aws.profiles", lambda: ("example", "other"))


def app(tmp_path: Path, theme: str = "dark", aws: CannedAws | None = None, **more: Any) -> CannedApp:
    made = CannedApp(tmp_path, aws, theme=theme, **more)
    made.animation_level = "none"
    return made


async def settings(pilot: Pilot[Any]) -> None:
    """The path of the file is of this machine: it is taken out of the picture."""
    await steps.at_settings(pilot)
    pilot.app.screen.query_one("#settings").border_subtitle = "iris-migrate.yaml"
    pilot.app.screen.query_one("#value").cursor_blink = False
    await pilot.pause()


async def wrong(pilot: Pilot[Any]) -> None:
    await settings(pilot)
    await pilot.press("down", "down", *"not an address")
    await pilot.pause()


async def lost_login(pilot: Pilot[Any]) -> None:
    await steps.at_start(pilot)
    await pilot.press("enter")
    await steps.until(pilot, lambda: bool(getattr(pilot.app.screen, "problem", "")))


async def helped(pilot: Pilot[Any]) -> None:
    await steps.at_connect(pilot)
    await pilot.press("question_mark")
    await pilot.pause()


class Silent(CannedAws):
    """An AWS that has not answered yet."""

    async def open(self) -> Identity:
        await asyncio.Event().wait()
        raise AssertionError("nobody answers")


async def asking(pilot: Pilot[Any]) -> None:
    await steps.at_start(pilot)
    await pilot.press("enter")
    await steps.until(pilot, lambda: isinstance(pilot.app.screen, ConnectScreen) and pilot.app.screen.awake)


async def refused(pilot: Pilot[Any]) -> None:
    await steps.at_start(pilot)
    await pilot.press("enter")
    await steps.until(pilot, lambda: isinstance(pilot.app.screen, OpeningScreen) and not pilot.app.screen.busy)


SHOTS = {
    "start": (steps.at_start, None), "connect": (steps.at_connect, None), "discover": (steps.at_discover, None),
    "settings": (settings, None), "settings-wrong": (wrong, None), "help": (helped, None),
    "connect-asking": (asking, Silent()), "login-expired": (lost_login, CannedAws(opens=EXPIRED)),
    "traffic-unknown": (steps.at_discover, CannedAws({**ANSWERS, "cloudwatch:GetMetricStatistics": REFUSED})),
    "no-functions": (steps.at_discover, CannedAws({**ANSWERS, "lambda:ListFunctions": []})),
}  # fmt: skip


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("name", SHOTS)
def test_dark(snap_compare: Compare, tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    way, aws = SHOTS[name]
    assert snap_compare(app(tmp_path, aws=aws), terminal_size=size, run_before=way)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
@pytest.mark.parametrize(("name", "way"), [("start", steps.at_start), ("opening-refused", refused)])
def test_begun(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, way: Any, size: tuple[int, int]
) -> None:
    def opened(*_: Any) -> None:
        raise Unreadable("The host does not answer at 192.0.2.7, port 22. Look whether it runs, then try again.")

    stands = Standing(93, "iris", "us-east-1", begun=True, settled=27, age=259_200.0, next="The site of nginx")
    monkeypatch.setattr("iris_migrate.tui.standing.standing", lambda options: stands)
    monkeypatch.setattr("iris_migrate.engine.session.Session", opened)
    assert snap_compare(app(tmp_path), terminal_size=size, run_before=way)


@pytest.mark.parametrize("name", ["start", "connect", "discover", "settings-wrong"])
def test_light(snap_compare: Compare, tmp_path: Path, name: str) -> None:
    way, aws = SHOTS[name]
    assert snap_compare(app(tmp_path, "light", aws), terminal_size=NARROW, run_before=way)


@pytest.mark.parametrize("theme", ["contrast", "ansi-dark"])
def test_other_themes(snap_compare: Compare, tmp_path: Path, theme: str) -> None:
    assert snap_compare(app(tmp_path, theme), terminal_size=NARROW, run_before=steps.at_discover)


def test_rehearsal(snap_compare: Compare, tmp_path: Path) -> None:
    assert snap_compare(app(tmp_path, rehearsal=True), terminal_size=NARROW, run_before=steps.at_start)
