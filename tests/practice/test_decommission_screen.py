"""The Decommission screen on a practice world, by its keys: list, phrase, soak, gone, and the way back."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, OptionList

from iris_migrate.tui.app import IrisApp
from iris_migrate.tui.screens.checklist import ChecklistScreen
from iris_migrate.tui.screens.decommission import DecommissionScreen
from iris_migrate.tui.screens.start import StartScreen
from iris_migrate.tui.widgets.dialog import Dialog
from iris_migrate.tui.widgets.dialogs import ConfirmDialog, ProblemDialog, QuestionDialog, ToldDialog
from tests.practice.grounds import DAY, Grounds, grounds_of
from tests.practice.test_every_step import environment
from tests.tui.steps import text

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with grounds_of(tmp_path_factory.mktemp("screen")) as grounds:
        yield grounds


async def until(pilot: Pilot[Any], holds: Any) -> None:
    """Wait for the world behind the screen; dialogs that only tell something are read and closed."""
    for _ in range(6000):
        await pilot.pause(0.05)
        top = pilot.app.screen
        assert not isinstance(top, ProblemDialog) or isinstance(top, ToldDialog), text(pilot)
        if isinstance(top, ToldDialog) and top.hears:
            await pilot.press("escape")
        elif isinstance(top, QuestionDialog) and top.hears:
            top.query_one("#choice-0", Button).press()
        elif holds():
            return
    raise AssertionError(text(pilot))


def page(pilot: Pilot[Any]) -> DecommissionScreen | None:
    found = [screen for screen in pilot.app.screen_stack if isinstance(screen, DecommissionScreen)]
    return found[0] if found and found[0].idle and found[0].listed is not None else None


async def take_down(pilot: Pilot[Any]) -> DecommissionScreen:
    """The phrase of the list is typed; answers with the screen when all that can be done now is done."""
    shown = page(pilot)
    assert shown is not None and shown.listed is not None
    shown._ended = ""
    await pilot.press("D")
    await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog) and pilot.app.screen.hears)
    pilot.app.screen.query_one(Input).value = shown.listed.phrase
    await pilot.press("tab", "enter")
    await until(pilot, lambda: bool(shown._ended) and shown.idle and not isinstance(pilot.app.screen, Dialog))
    return shown


async def test_by_its_keys_the_old_side_goes_and_comes_back(grounds: Grounds) -> None:
    flags = [f"{name}={value}" for name, value in grounds.settings.items()]
    before, endpoint, digests = grounds.answers(), grounds.endpoint(), grounds.digests()
    with environment(grounds.world.environment()):
        app = IrisApp(argparse.Namespace(theme="dark", flags=flags), rehearsal=True)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, StartScreen) and app.screen._standing is not None)
            choices = app.screen.query_one(OptionList)
            choices.highlighted = choices.get_option_index("decommission")
            await pilot.press("enter")
            await until(pilot, lambda: page(pilot) is not None)
            assert grounds.writes() == [], "looking changes nothing"

            ended = (await take_down(pilot))._ended
            assert ended.startswith("0 of 11 things are gone"), ended
            assert (grounds.folder / "archive").is_dir() and grounds.answers() == before, "archived, not switched off"

            grounds.advance(9 * DAY)
            await take_down(pilot)
            assert grounds.answers()["health"] == 404, "switched off"
            grounds.advance(26 * 3600)
            ended = (await take_down(pilot))._ended
            assert ended.startswith("11 of 11 things are gone"), ended
            assert grounds.digests() == []

            await pilot.press("r")
            await until(pilot, lambda: isinstance(app.screen, ChecklistScreen) and app.screen.idle)
            await bring_back(pilot)
            await pilot.press("escape")
            await until(pilot, lambda: page(pilot) is not None)
    assert (grounds.endpoint(), grounds.digests(), grounds.answers()) == (endpoint, digests, before)


async def bring_back(pilot: Pilot[Any]) -> None:
    """Phase after phase, agreeing to each plan that is shown."""
    shown = pilot.app.screen
    assert isinstance(shown, ChecklistScreen)
    while not shown.board.all_settled:
        await until(pilot, lambda: shown.idle or isinstance(pilot.app.screen, ConfirmDialog))
        if isinstance(pilot.app.screen, ConfirmDialog):
            await until(pilot, lambda: pilot.app.screen.hears)
            pilot.app.screen.query_one("#agree", Button).press()
            await until(pilot, lambda: not isinstance(pilot.app.screen, ConfirmDialog))
        elif not shown.board.all_settled:
            assert shown.can_phase, text(pilot)
            await pilot.press("A")
            await until(pilot, lambda: not shown.idle or isinstance(pilot.app.screen, ConfirmDialog))
