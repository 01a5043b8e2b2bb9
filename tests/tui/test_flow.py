"""The way from screen to screen: Start, Verify, Checklist and back; Opening that fails; the settings in between."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from iris_migrate.engine.events import Status
from iris_migrate.engine.options import Options
from iris_migrate.engine.session import Session
from iris_migrate.target import Unreadable
from iris_migrate.tui.app import IrisApp
from iris_migrate.tui.screens.checklist import ChecklistScreen
from iris_migrate.tui.screens.opening import OpeningScreen
from iris_migrate.tui.screens.settings import SettingsScreen
from iris_migrate.tui.screens.start import StartScreen
from iris_migrate.tui.screens.verify import VerifyScreen
from iris_migrate.tui.standing import Standing
from iris_migrate.tui.widgets.keys import KeyLine
from tests.tui.sitting import LocalSession, SittingApp, steps
from tests.tui.steps import text, until

SIZE = (80, 24)


class WayApp(SittingApp):
    """The app as it is begun; only what it opens is a checklist over files of a folder."""

    _journey = IrisApp._journey


class Opened(LocalSession):
    """Opens; where it is told so, not before it was tried again."""

    refused: list[str]

    async def open(self) -> Session:
        if self.refused:
            raise Unreadable(self.refused.pop())
        return await self.begin(self.operator)


@pytest.fixture
def refused() -> list[str]:
    return []


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: list[str]) -> WayApp:
    def opened(options: Options, operator: Any) -> Opened:
        session = Opened(tmp_path, steps(tmp_path))
        session.operator, session.refused = operator, refused
        return session

    stands = Standing(8, "iris", "us-east-1", begun=True, settled=2, age=60.0, next="Note")
    monkeypatch.setattr("iris_migrate.tui.standing.standing", lambda options: stands)
    monkeypatch.setattr("iris_migrate.engine.session.Session", opened)
    (tmp_path / "settings.yaml").write_text("{}\n")
    made = WayApp(LocalSession(tmp_path, steps(tmp_path)))
    made._options = Options(settings=tmp_path / "settings.yaml", state=tmp_path / "state", environment={})
    return made


async def shows(pilot: Pilot[Any], kind: type[Any], ready: Callable[[Any], bool] = lambda screen: screen.awake) -> Any:
    """The screen, once it is on top and ready."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and ready(pilot.app.screen))
    return pilot.app.screen


async def begun(pilot: Pilot[Any]) -> None:
    await shows(pilot, StartScreen, lambda screen: screen._standing is not None)


async def test_from_start_to_verify_to_the_step_in_the_checklist_and_back(app: WayApp, tmp_path: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await begun(pilot)
        assert "Verify again" in text(pilot) and "2 of 8 hold" in text(pilot)
        await pilot.press("down", "enter")
        screen = await shows(pilot, VerifyScreen, lambda screen: screen.ready)
        while screen.marked.id != "paid":
            await pilot.press("down")
        await pilot.press("enter")
        screen = await shows(pilot, ChecklistScreen, lambda screen: screen.idle)
        await until(pilot, lambda: screen.step is not None and screen.step.id == "paid")
        screen.mark("note")
        await until(pilot, lambda: screen.offered[0] == "note")
        await pilot.press("a")
        await until(pilot, lambda: screen.board.status("note") is Status.HOLDS and screen.idle)
        await pilot.press("escape")
        await begun(pilot)
        assert app.session is None, "what was opened is closed"
        assert gc.isenabled(), "garbage is left alone only while a page is made"
        assert app.result is not None and app.result.summary["holds"] >= 2
        await pilot.press("q")
    assert app.return_value == app.result.exit_code


async def test_looking_only_leads_back_and_changes_nothing(app: WayApp, tmp_path: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await begun(pilot)
        await pilot.press("down", "enter")
        await shows(pilot, VerifyScreen, lambda screen: screen.ready)
        await pilot.press("escape")
        await begun(pilot)
        assert not (tmp_path / "note").exists() and app.session is None


async def test_what_stands_in_the_way_of_opening_is_said_and_tried_again(app: WayApp, refused: list[str]) -> None:
    refused += ["The address is not known."]
    async with app.run_test(size=SIZE) as pilot:
        await begun(pilot)
        await pilot.press("enter")
        screen = await shows(pilot, OpeningScreen, lambda screen: not screen.busy)
        assert "The address is not known." in text(pilot)
        await until(pilot, lambda: "r" in screen.query_one(KeyLine).named)
        await pilot.press("r")
        await shows(pilot, ChecklistScreen, lambda screen: screen.idle)


async def test_opening_that_fails_leads_back_to_the_start(app: WayApp, refused: list[str]) -> None:
    refused += ["The address is not known."]
    async with app.run_test(size=SIZE) as pilot:
        await begun(pilot)
        await pilot.press("enter")
        await shows(pilot, OpeningScreen, lambda screen: not screen.busy)
        await pilot.press("escape")
        await begun(pilot)


async def test_the_settings_of_a_failing_step_lead_back_to_a_checklist_opened_anew(app: WayApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await begun(pilot)
        await pilot.press("enter")
        first = await shows(pilot, ChecklistScreen, lambda screen: screen.idle)
        first.mark("broken")
        await until(pilot, lambda: first.offered[0] == "broken")
        await pilot.press("a")
        await until(pilot, lambda: first.board.status("broken") is Status.FAILED and first.idle)
        await until(pilot, lambda: "e" in first.query_one(KeyLine).named)
        await pilot.press("e")
        await shows(pilot, SettingsScreen)
        await pilot.press("escape")
        second = await shows(pilot, ChecklistScreen, lambda screen: screen.idle)
        assert second is not first and second.session is not first.session
