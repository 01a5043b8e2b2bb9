"""A step that fails: its cause, the remedy as a plan, the facts asked again, the settings reopened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from iris_migrate.engine.events import Status, StepStatus
from iris_migrate.tui.widgets.dialogs import ConfirmDialog
from tests.tui.checklist import at, dialog, shown, status
from tests.tui.sitting import LocalSession, SittingApp, step
from tests.tui.steps import text, until

SIZE = (120, 40)


@pytest.fixture
def app(tmp_path: Path) -> SittingApp:
    """A task that fails until a note is there; the cause that is known has the note as its remedy."""
    note, done = tmp_path / "note", tmp_path / "done"
    needs = f"test -f {note} && touch {done} || {{ echo 'Address already in use'; exit 3; }}"
    made = (
        step("task", "1", "task", with_={"path": str(done), "argv": ("sh", "-c", needs)}, troubleshoot=("no-answer",),
             timeout=5.0),
        step("note", "2", "note", with_={"path": str(note), "content": "one"}),
        step("last", "3", "note", with_={"path": str(tmp_path / "last"), "content": "one"}),
    )  # fmt: skip
    return SittingApp(LocalSession(tmp_path, made))


async def failed(pilot: Pilot[Any], app: SittingApp) -> None:
    await at(pilot, "task")
    await pilot.press("a")
    await until(pilot, lambda: status(app, "task") is Status.FAILED and app.there)
    await until(pilot, lambda: "m" in shown(app))


async def test_the_remedy_is_shown_as_a_plan_and_carried_out_once_agreed_to(app: SittingApp, tmp_path: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await failed(pilot, app)
        assert "m carries the remedy out" in text(pilot)
        await pilot.press("m")
        await dialog(pilot, ConfirmDialog)
        seen = text(pilot)
        assert "Another process has the port." in seen and "+one" in seen and "run the task" in seen
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.page)
        assert not (tmp_path / "note").exists(), "nothing happens before it is agreed to"
        await pilot.press("m")
        await dialog(pilot, ConfirmDialog)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: status(app, "task") is Status.HOLDS and app.there)
        assert status(app, "note") is Status.HOLDS and (tmp_path / "done").exists()
        assert not (tmp_path / "last").exists(), "only what the remedy named"


async def test_asking_the_facts_changes_nothing_and_keeps_the_failure(app: SittingApp, tmp_path: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await failed(pilot, app)
        app.page.visit.diagnoses.clear()
        app.page.redraw()
        await until(pilot, lambda: "m" not in shown(app))
        before = [event for event in app.heard if isinstance(event, StepStatus)]
        await pilot.press("p")
        await until(pilot, lambda: app.there and "m" in shown(app))
        assert "Another process has the port." in text(pilot)
        assert status(app, "task") is Status.FAILED
        assert before == [event for event in app.heard if isinstance(event, StepStatus)]
        assert not (tmp_path / "note").exists()


async def test_e_leaves_a_failing_step_for_the_settings(app: SittingApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await failed(pilot, app)
        await pilot.press("e")
        await until(pilot, lambda: app.answer is None)
        assert app.page.wants == "settings"
