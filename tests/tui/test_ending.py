"""Leaving, a closed terminal or SIGTERM while something runs: the record says so before the program is gone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from iris_migrate.engine.record import Record
from iris_migrate.tui.ending import INTERRUPTED
from iris_migrate.tui.widgets.dialogs import ConfirmDialog, QuestionDialog
from tests.tui.checklist import at, dialog, ready
from tests.tui.pseudo_terminal import Terminal, showing
from tests.tui.sitting import LocalSession, SittingApp, steps
from tests.tui.steps import text, until

SIZE = (120, 40)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def app(tmp_path: Path) -> SittingApp:
    return SittingApp(LocalSession(tmp_path, steps(tmp_path)))


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


async def test_leaving_ends_the_run_in_the_record(app: SittingApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: app.answer != "none yet")
        assert app.answer.summary["ready"] >= 2
        last = app.local.record.last_run("test")
        assert last is not None and last[3] == "done"


async def test_leaving_while_something_runs_says_what_happens_to_it(app: SittingApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await at(pilot, "deed")
        await pilot.press("a")
        await dialog(pilot, QuestionDialog)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: app.screen is app.page)
        await pilot.press("escape")
        await dialog(pilot, ConfirmDialog)
        assert "starting again goes on from here" in text(pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: app.answer != "none yet")
        last = app.local.record.last_run("test")
        assert last is not None and last[3] == "interrupted"


SITTING = """
import sys
from pathlib import Path
from tests.tui.sitting import LocalSession, SittingApp, step
folder = Path(sys.argv[1])
task = ("sh", "-c", "echo line $((40 + 2)); read word < gate")
made = step("task", "1", "task", with_={"path": str(folder / "never"), "argv": task})
sys.exit(SittingApp(LocalSession(folder, [made])).run())
"""


def test_a_terminal_that_is_closed_while_a_command_runs(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    terminal = Terminal([sys.executable, "-c", SITTING, str(tmp_path)], environment, folder=tmp_path)
    with showing(terminal) as screen:
        screen.until(lambda text: "a apply" in text)
        screen.press("a")
        screen.until(lambda text: "line 42" in text)
        screen.close()
        assert screen.process.wait(30) == INTERRUPTED
    record = Record(tmp_path / "state" / "migrations" / "m.sqlite")
    last = record.last_run("test")
    assert last is not None and last[3] == "interrupted"
    assert [intent.step for intent in record.open_intents()] == ["task"], "it is known what was sent"
