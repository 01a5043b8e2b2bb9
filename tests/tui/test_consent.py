"""What is agreed to: exactly what was shown; what costs, destroys or is only a person's asks; undo and waivers."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Button, Input

from iris_migrate.engine.consent import confirmation
from iris_migrate.engine.events import Status
from iris_migrate.tui.widgets.dialogs import ConfirmDialog, QuestionDialog, ReasonDialog
from tests.tui.checklist import at, dialog, ready, shown, status
from tests.tui.sitting import LocalSession, SittingApp, steps
from tests.tui.steps import text, until

SIZE = (120, 40)


@pytest.fixture
def app(tmp_path: Path) -> SittingApp:
    return SittingApp(LocalSession(tmp_path, steps(tmp_path)))


async def test_a_plan_that_is_not_the_one_shown_is_shown_again(app: SittingApp, tmp_path: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        (tmp_path / "note").write_text("somebody else")
        app.local.clock.time += 60
        await pilot.press("a")
        asked = await dialog(pilot, ConfirmDialog)
        assert "not the one that was shown" in text(pilot)
        assert isinstance(asked.focused, Button) and asked.focused.id == "cancel"
        await pilot.press("escape")
        await until(pilot, lambda: app.there)
        assert (tmp_path / "note").read_text() == "somebody else"


async def test_what_costs_asks_once_more_and_keys_typed_ahead_agree_to_nothing(app: SittingApp, tmp_path: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await at(pilot, "paid")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        if not pilot.app.screen.hears:  # type: ignore[attr-defined]
            await pilot.press("tab", "enter", "enter")
        asked = await dialog(pilot, ConfirmDialog)
        await until(pilot, lambda: "It waits for your answer." in text(pilot))
        assert asked.focused.id == "cancel" and not (tmp_path / "paid").exists()
        await pilot.press("enter")
        await until(pilot, lambda: app.there)
        assert not (tmp_path / "paid").exists() and "waits for your" not in text(pilot)
        await pilot.press("a")
        await dialog(pilot, ConfirmDialog)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: status(app, "paid") is Status.HOLDS)


async def test_what_destroys_wants_the_phrase_typed_exactly(app: SittingApp, tmp_path: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await at(pilot, "wrecked")
        await pilot.press("a")
        asked = await dialog(pilot, ConfirmDialog)
        phrase = confirmation("123456789012 us-east-1", app.page.visit.plan("wrecked"))
        assert asked.phrase == phrase and asked.query_one("#agree", Button).disabled
        asked.query_one(Input).focus()
        await pilot.press(*"destroy", "enter")
        assert isinstance(app.screen, ConfirmDialog) and not (tmp_path / "wrecked").exists()
        asked.query_one(Input).value = phrase
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "wrecked").exists() and app.there)


async def test_waiving_wants_a_reason_and_keeps_it(app: SittingApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await at(pilot, "broken")
        await pilot.press("w")
        asked = await dialog(pilot, ReasonDialog)
        assert asked.query_one("#waive", Button).disabled
        asked.query_one("#reason").focus()
        await pilot.press(*"not needed here", "enter", *"30", "enter")
        await until(pilot, lambda: status(app, "broken") is Status.WAIVED)
        waiver = app.local.record.waiver(app.local.checklist.name, "broken")
        assert waiver is not None and waiver.reason == "not needed here"
        assert waiver.until is not None and round(waiver.until - waiver.at) == 30 * 86400


async def test_undo_shows_what_it_puts_back_and_does_it(app: SittingApp, tmp_path: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        assert "u" not in shown(app)
        await pilot.press("a")
        await until(pilot, lambda: status(app, "note") is Status.HOLDS and app.there)
        await at(pilot, "note")
        await until(pilot, lambda: "u" in shown(app))
        await pilot.press("u")
        await dialog(pilot, ConfirmDialog)
        assert "put" in text(pilot) and "-three" in text(pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: not (tmp_path / "note").exists() and app.there)


async def test_a_deed_of_the_operator_is_asked_for_and_answered(app: SittingApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await at(pilot, "deed")
        await pilot.press("a")
        await dialog(pilot, QuestionDialog)
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: status(app, "deed") in (Status.CONFIRMED, Status.HOLDS))


async def test_a_deed_that_is_watched_for_can_be_stopped(app: SittingApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await at(pilot, "deed")
        await pilot.press("a")
        await dialog(pilot, QuestionDialog)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: app.screen is app.page and "x" in shown(app))
        await pilot.press("x")
        await until(pilot, lambda: app.there)
        assert status(app, "deed") is Status.NEEDS_OPERATOR


async def test_A_goes_to_the_end_of_the_phase_and_asks_for_what_has_a_risk(app: SittingApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("A")
        await until(pilot, lambda: status(app, "copy") is Status.HOLDS and app.there)
        await until(pilot, lambda: app.page.step is not None and app.page.step.id == "paid")
        await pilot.press("A")
        await dialog(pilot, ConfirmDialog)
        await pilot.press("escape")
        await until(pilot, lambda: app.there)
