"""What nobody would type: a megabyte pasted, keys before anything is there, a clipboard behind tmux."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from iris_migrate.engine.events import Status
from iris_migrate.tui.clipboard import LONGEST, osc52
from iris_migrate.tui.visit import Visit
from iris_migrate.tui.widgets.dialog import LONGEST_ANSWER, Dialog
from iris_migrate.tui.widgets.dialogs import ConfirmDialog, ReasonDialog, SecretDialog
from iris_migrate.tui.widgets.keys import KeyLine
from tests.tui.checklist import at, dialog, shown, status
from tests.tui.sitting import LocalSession, SittingApp, steps
from tests.tui.steps import until

MEGABYTE = "x" * 1_000_000


@pytest.fixture
def app(tmp_path: Path) -> SittingApp:
    return SittingApp(LocalSession(tmp_path, steps(tmp_path)))


@pytest.mark.parametrize(("name", "key", "kind"), [("wrecked", "a", ConfirmDialog), ("broken", "w", ReasonDialog)])
async def test_a_megabyte_pasted_into_a_field_of_a_dialog(
    app: SittingApp, name: str, key: str, kind: type[Dialog[object]]
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await at(pilot, name)
        await pilot.press(key)
        asked = await dialog(pilot, kind)
        field = asked.query(Input).first()
        field.focus()
        await pilot.pause()
        field.post_message(events.Paste(MEGABYTE))
        await until(pilot, lambda: True)
        assert len(field.value) <= LONGEST_ANSWER
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.page)
        assert status(app, name) is Status.READY


async def test_a_megabyte_pasted_as_a_secret(app: SittingApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.there)
        app.run_worker(app.local.operator.secret("openai_api_key", "The key."))
        asked = await dialog(pilot, SecretDialog)
        field = asked.query_one(Input)
        field.focus()
        await pilot.pause()
        field.post_message(events.Paste(MEGABYTE))
        await until(pilot, lambda: True)
        assert len(field.value) <= LONGEST_ANSWER
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.page)


async def test_keys_pressed_before_the_checklist_is_there_reach_it(app: SittingApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("d", "3", "question_mark")
        await until(pilot, lambda: app.page.awake and app.there)
        await until(pilot, lambda: app.screen is not app.page)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.page and "l" in shown(app))


async def test_keys_pressed_while_it_looks_for_the_first_time_do_nothing(
    app: SittingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, begin = asyncio.Event(), Visit.begin

    async def held(visit: Visit) -> None:
        await gate.wait()
        await begin(visit)

    monkeypatch.setattr(Visit, "begin", held)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen_stack[-1:] != [] and getattr(app.screen, "AREA", "") == "checklist")
        await until(pilot, lambda: app.page.visit.busy)
        await pilot.press("a", "A", "r", "m", "u", "w", "v", "n")
        gate.set()
        await until(pilot, lambda: app.there)
        assert app.screen is app.page and not app.local.record.changes()


async def test_the_footer_names_no_key_before_it_works(app: SittingApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads `apply` and presses it at once must not press into the void."""
    named: list[tuple[bool, dict[str, str]]] = []
    draw = KeyLine.render

    def render(line: KeyLine) -> object:
        if getattr(app.screen, "AREA", "") == "checklist":
            named.append((app.page.idle, line.named))
        return draw(line)

    monkeypatch.setattr(KeyLine, "render", render)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.there and "a" in shown(app))
    early = [keys for idle, keys in named if not idle]
    assert early and all("a" not in keys and "A" not in keys for keys in early)


async def test_a_plan_that_is_not_drawn_yet_is_asked_about(app: SittingApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await at(pilot, "note")
        app.page.mark("broken")
        app.page.action_apply()
        await dialog(pilot, ConfirmDialog)
        assert not app.local.record.changes()
        await pilot.press("escape")
        await until(pilot, lambda: app.there)


@pytest.mark.parametrize(
    ("environment", "before", "after"),
    [
        ({}, "\x1b]52;c;", "\x07"),
        ({"TMUX": "/tmp/tmux-0/default,1,0", "TERM": "tmux-256color"}, "\x1bPtmux;\x1b\x1b]52;c;", "\x07\x1b\\"),
        ({"TERM": "screen.xterm-256color"}, "\x1bP\x1b]52;c;", "\x07\x1b\\"),
    ],
)
def test_copying_reaches_the_terminal_that_one_sits_at(environment: dict[str, str], before: str, after: str) -> None:
    said = osc52("größer \x1b[31m", environment)
    assert said.startswith(before) and said.endswith(after)
    data = said.removeprefix(before).removesuffix(after)
    assert base64.b64decode(data, validate=True).decode() == "größer \x1b[31m"


def test_copying_keeps_to_what_terminals_take() -> None:
    assert len(osc52(MEGABYTE, {})) < LONGEST * 4 / 3 + 20
