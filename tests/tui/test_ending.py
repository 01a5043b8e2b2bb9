"""A closed terminal or SIGTERM while something runs: the record says so before the program is gone."""

from __future__ import annotations

from pathlib import Path

from iris_migrate.engine.record import Record
from iris_migrate.tui.widgets.dialogs import ConfirmDialog, QuestionDialog
from tests.tui.sitting import LocalSession, SittingApp, steps
from tests.tui.steps import until
from tests.tui.test_checklist import at, dialog


async def test_a_signal_while_a_step_runs_is_in_the_record(tmp_path: Path) -> None:
    app = SittingApp(LocalSession(tmp_path, steps(tmp_path)))
    async with app.run_test(size=(120, 40)) as pilot:
        await at(pilot, "deed")
        await pilot.press("a")
        await dialog(pilot, QuestionDialog)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: app.screen is app.page and app.page.visit.busy)
        app.ending.interrupted()
        await until(pilot, lambda: app.return_value is not None)
    assert app.return_value == 130
    last = Record(tmp_path / "state" / "migrations" / "m.sqlite").last_run("test")
    assert last is not None
    assert last[3] == "interrupted"


async def test_what_destroys_colours_the_header_as_long_as_it_is_open(tmp_path: Path) -> None:
    app = SittingApp(LocalSession(tmp_path, steps(tmp_path)))
    async with app.run_test(size=(120, 40)) as pilot:
        await at(pilot, "deed")
        before = app.place.badge
        app.push_screen(ConfirmDialog("Delete?", "everything", "destroys", "the phrase"))
        await until(pilot, lambda: app.place.badge == "DESTROYS")
        await dialog(pilot, ConfirmDialog)
        await pilot.press("escape")
        await until(pilot, lambda: app.place.badge == before)
