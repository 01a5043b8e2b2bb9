"""The checklist: where it opens, applying, failing, and the keys that only look."""

from __future__ import annotations

from pathlib import Path

import pytest

from iris_migrate.engine.events import ChangeIntended, Status
from iris_migrate.tui.screens.logs import LogsScreen
from iris_migrate.tui.widgets.help import HelpDialog
from iris_migrate.tui.widgets.panes import Panes
from tests.tui.checklist import at, ready, shown, status
from tests.tui.sitting import LocalSession, SittingApp, steps
from tests.tui.steps import text, until

SIZE = (120, 40)


@pytest.fixture
def app(tmp_path: Path) -> SittingApp:
    return SittingApp(LocalSession(tmp_path, steps(tmp_path)))


async def test_it_opens_at_the_first_step_that_something_can_be_done_about(app: SittingApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        assert app.page.step is not None and app.page.step.id == "note"
        await until(pilot, lambda: "2 of 8 hold" in text(pilot))
        seen = text(pilot)
        assert "trailing comments" in seen and "Risk none" in seen


async def test_a_carries_out_exactly_the_plan_on_the_panel_and_goes_on(app: SittingApp, tmp_path: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("a")
        await until(pilot, lambda: status(app, "note") is Status.HOLDS and app.there)
        assert (tmp_path / "note").read_text() == "one\ntwo\nthree"
        await until(pilot, lambda: app.page.step is not None and app.page.step.id == "copy")


async def test_a_failure_says_what_was_seen_the_likely_cause_and_what_can_be_done(app: SittingApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await at(pilot, "broken")
        await pilot.press("a")
        await until(pilot, lambda: status(app, "broken") is Status.FAILED and app.there)
        await until(pilot, lambda: "Another process has the port." in text(pilot))
        seen = text(pilot)
        assert "what the tool wrote: Address already in use" in seen and "says which one" in seen and "r retry" in seen
        await until(pilot, lambda: {"r", "e"} <= shown(app).keys())
        before = len([event for event in app.heard if isinstance(event, ChangeIntended)])
        await pilot.press("r")
        await until(pilot, lambda: len([e for e in app.heard if isinstance(e, ChangeIntended)]) > before and app.there)
        assert status(app, "broken") is Status.FAILED


async def test_looking_keys(app: SittingApp, tmp_path: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        (tmp_path / "note").write_text("one\ntwo\nthree")
        await pilot.press("v")
        await until(pilot, lambda: status(app, "note") is Status.HOLDS and app.there)
        (tmp_path / "there").unlink()
        await pilot.press("V")
        await until(pilot, lambda: status(app, "there") is Status.READY and app.there)
        await at(pilot, "there")
        await pilot.press("d")
        await until(pilot, lambda: "+stone is there" in text(pilot))
        await pilot.press("n")
        await until(pilot, lambda: app.page.step is not None and app.page.step.id == "copy")
        for key, pane in (("2", "journal"), ("3", "evidence"), ("4", "undo"), ("1", "output")):
            await pilot.press(key)
            await until(pilot, lambda pane=pane: app.page.query_one(Panes).pane == pane)  # type: ignore[misc]
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog))
        await pilot.press("escape")
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LogsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.page)


async def test_a_search_looks_upwards_in_the_output_and_says_when_there_is_nothing(app: SittingApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await at(pilot, "broken")
        await pilot.press("a")
        await until(pilot, lambda: status(app, "broken") is Status.FAILED and app.there)
        output = app.page.query_one(Panes).output
        await until(pilot, lambda: output.lines.total >= 3)
        await pilot.press("slash", *"starting", "enter")
        await until(pilot, lambda: output.found >= 0 and output.lines.at(output.found).text == "starting")
        await pilot.press(*["backspace"] * 8, *"nowhere", "enter")
        await until(pilot, lambda: "not found" in text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "not found" not in text(pilot))


async def test_copying_saves_a_file_that_only_its_owner_reads(app: SittingApp, tmp_path: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("y")
        await until(pilot, lambda: any((tmp_path / "state" / "saved").glob("note-*.txt")))
        (saved,) = (tmp_path / "state" / "saved").glob("note-*.txt")
        assert "trailing comments" in saved.read_text() and saved.stat().st_mode & 0o777 == 0o600
