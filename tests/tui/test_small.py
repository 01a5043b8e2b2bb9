"""A terminal of 20 by 5 in each state of the checklist, and back; the list of a narrow one."""

from __future__ import annotations

from pathlib import Path

import pytest

from iris_migrate.engine.events import Status
from iris_migrate.tui.widgets.dialogs import ConfirmDialog, QuestionDialog, ReasonDialog
from tests.tui.checklist import at, dialog, ready, shown, status
from tests.tui.sitting import LocalSession, SittingApp, steps
from tests.tui.steps import text, until


@pytest.fixture
def app(tmp_path: Path) -> SittingApp:
    return SittingApp(LocalSession(tmp_path, steps(tmp_path)))


async def test_narrow_terminals_have_a_breadcrumb_and_a_key_for_the_list(app: SittingApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await until(pilot, lambda: "c" in shown(app) and "2 of 8 hold" in text(pilot))
        assert "1.2 Note" in text(pilot) and "2 Commands" not in text(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "2 Commands" in text(pilot))
        assert "a" not in shown(app), "no plan stands there that could be carried out"
        await pilot.press("end", "enter")
        await until(
            pilot, lambda: "2 Commands" not in text(pilot) and app.page.query_one("StepList").place.phase == "3"
        )


@pytest.mark.parametrize(
    "state",
    ["normal", "failed", "dialog", "question", "waive", "watching", "phase", "evidence", "help", "logs", "beside",
     "narrow list"],
)  # fmt: skip
async def test_a_terminal_of_20_by_5_and_back(app: SittingApp, state: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        if state == "failed":
            await at(pilot, "broken")
            await pilot.press("a")
            await until(pilot, lambda: status(app, "broken") is Status.FAILED and app.there)
        elif state == "dialog":
            await at(pilot, "paid")
            await pilot.press("a")
            await dialog(pilot, ConfirmDialog)
        elif state in ("question", "watching"):
            await at(pilot, "deed")
            await pilot.press("a")
            await dialog(pilot, QuestionDialog)
            if state == "watching":
                await pilot.press("tab", "enter")
                await until(pilot, lambda: app.screen is app.page)
        elif state == "waive":
            await at(pilot, "broken")
            await pilot.press("w")
            await dialog(pilot, ReasonDialog)
        elif state != "normal":
            keys = {"logs": "l", "narrow list": "c", "beside": "lb", "phase": "c", "evidence": "3", "help": "?"}[state]
            await pilot.press(*({"?": "question_mark"}.get(key, key) for key in keys))
            if state == "phase":
                await pilot.press("home", "enter")
        await pilot.pause()
        before = type(app.screen)
        for size in ((20, 5), (80, 24), (20, 5), (120, 40), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert type(app.screen) is before and len(text(pilot).strip()) > 40
