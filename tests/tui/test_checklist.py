"""The checklist: every key of its footer, consent, failures, dialogs that cannot be answered by accident."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from iris_migrate.engine.consent import confirmation
from iris_migrate.engine.events import ChangeIntended, Status
from iris_migrate.tui.screens.logs import LogsScreen
from iris_migrate.tui.widgets.dialog import Dialog
from iris_migrate.tui.widgets.dialogs import ConfirmDialog, QuestionDialog, ReasonDialog
from iris_migrate.tui.widgets.help import HelpDialog
from iris_migrate.tui.widgets.keys import KeyLine
from iris_migrate.tui.widgets.panes import Panes
from tests.tui.sitting import LocalSession, SittingApp, steps
from tests.tui.steps import text, until

SIZE = (120, 40)


@pytest.fixture
def app(tmp_path: Path) -> SittingApp:
    return SittingApp(LocalSession(tmp_path, steps(tmp_path)))


def shown(app: SittingApp) -> dict[str, str]:
    """The keys that the footer names, with their words."""
    return app.page.query_one(KeyLine).named


def status(app: SittingApp, name: str) -> Status | None:
    return app.page.board.status(name)


async def ready(pilot: Pilot[Any]) -> SittingApp:
    app = pilot.app
    assert isinstance(app, SittingApp)
    await until(pilot, lambda: app.there)
    await until(pilot, lambda: "l" in shown(app))
    return app


async def at(pilot: Pilot[Any], name: str) -> SittingApp:
    app = await ready(pilot)
    app.page.mark(name)
    await until(pilot, lambda: app.page.offered[0] == name)
    return app


async def dialog(pilot: Pilot[Any], kind: type[Dialog[Any]]) -> Any:
    """The dialog, once it listens."""
    await until(
        pilot,
        lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.hears and pilot.app.focused is not None,
    )
    return pilot.app.screen


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
        assert asked.focused.id == "cancel" and not (tmp_path / "paid").exists()
        await pilot.press("enter")
        await until(pilot, lambda: app.there)
        assert not (tmp_path / "paid").exists()
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


async def test_waiving_wants_a_reason_and_keeps_it(app: SittingApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await at(pilot, "broken")
        await pilot.press("w")
        asked = await dialog(pilot, ReasonDialog)
        assert asked.query_one("#waive", Button).disabled
        asked.query_one("#reason").focus()
        await pilot.press(*"not needed here", "enter", *"30", "enter")
        await until(pilot, lambda: status(app, "broken") is Status.WAIVED)
        waiver = app.local.record.waiver("broken")
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


async def test_copying_saves_a_file_that_only_its_owner_reads(app: SittingApp, tmp_path: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot)
        await pilot.press("y")
        await until(pilot, lambda: any((tmp_path / "state" / "saved").glob("note-*.txt")))
        (saved,) = (tmp_path / "state" / "saved").glob("note-*.txt")
        assert "trailing comments" in saved.read_text() and saved.stat().st_mode & 0o777 == 0o600


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


async def test_narrow_terminals_have_a_breadcrumb_and_a_key_for_the_list(app: SittingApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await until(pilot, lambda: "c" in shown(app) and "2 of 8 hold" in text(pilot))
        assert "1.2 Note" in text(pilot) and "2 Commands" not in text(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "2 Commands" in text(pilot))
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
