"""The Decommission screen over an old side of files: list, gates, phrase, each thing until it is gone, its keys."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iris_migrate.language.checklist import Phase, SettingValue, Step
from iris_migrate.tui.agreed import AgreedOperator
from iris_migrate.tui.screens.decommission import DecommissionScreen
from iris_migrate.tui.widgets.dialogs import ConfirmDialog, ReasonDialog, ToldDialog
from iris_migrate.tui.widgets.keys import KeyLine
from iris_migrate.tui.widgets.panel import Panel
from tests.engine import sandbox_removal
from tests.tui.sitting import LocalSession, SittingApp, step
from tests.tui.steps import text, until

sys.modules["iris_migrate.resources.sandbox_removal"] = sandbox_removal
NARROW, WIDE = (80, 24), (120, 40)
Compare = Callable[..., bool]
AT = 1_800_000_000.0  # where the tests' clock begins
LATER = AT + 5 * 86400
PHASES = (Phase("1", "Gates"), Phase("2", "Archive"), Phase("3", "Switched off"), Phase("4", "Delete"))
THINGS = {
    "routes": ("route GET /api/iris/health of API a1b2c3", "route POST /api/iris/analyze of API a1b2c3"),
    "functions": ("function iris-backend, 4 versions",),
    "images": tuple(f"image sha256:{number:04} of iris-backend" for number in range(15)),
}


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def old_side(opens: float, remove: Sequence[str] = ("rm",)) -> tuple[Step, ...]:
    """Gates, an archive, the switch, and three kinds of things; `opens` is when the gate `idle` does."""

    def gone(name: str, title: str, needs: tuple[str, ...], argv: Sequence[str] = ("rm",)) -> Step:
        things = []
        for number, thing in enumerate(THINGS[name]):
            Path(f"{name}-{number}").write_text(thing)
            things.append({"id": thing, "path": f"{name}-{number}"})
        return Step(id=name, phase="4", title=title, resource="sandbox_removal.gone", risk="destroys", needs=needs,
                    with_={"things": tuple(things), "argv": tuple(argv)}, timeout=5.0)  # fmt: skip

    def gate(name: str, title: str) -> Step:
        Path(name).write_text("so it is")
        return step(name, "1", "note", title=title, with_={"path": name, "content": "so it is"})

    return (
        gate("inventory", "What would go is listed"),
        gate("alone", "Nobody else uses what would go, and no tool owns it"),
        Step(id="idle", phase="1", title="Nobody calls the old side any more", resource="sandbox_removal.opens",
             with_={"at": opens}, timeout=1.0),
        step("archive", "2", "note", title="Everything is in the archive", with_={"path": "kept", "content": "kept"}),
        step("soaked", "3", "note", title="The old endpoint is switched off", risk="interrupts",
             with_={"path": "off", "content": "off"}, needs=("alone", "idle", "archive")),
        gone("routes", "The API has no routes to the old function", ("soaked",), remove),
        gone("functions", "The old function is gone", ("routes",)),
        gone("images", "The images are gone", ("functions",)),
    )  # fmt: skip


class DecommissionApp(SittingApp):
    """The app at its Decommission screen at once."""

    wanted = "none yet"

    async def _journey(self) -> None:
        operator = AgreedOperator(self.push_screen_wait)
        session = await self.local.begin(operator)
        session.listen(self.heard.append)
        page = DecommissionScreen(session, operator)
        self.answer = await self.show(page)
        self.wanted = page.wants


def app(opens: float = LATER, remove: Sequence[str] = ("rm",), theme: str = "dark") -> DecommissionApp:
    session = LocalSession(Path(), old_side(opens, remove), PHASES)
    session.checklist = replace(session.checklist, settings={"archive.folder": SettingValue("archive", "default")})
    return DecommissionApp(session, theme=theme)


def screen(pilot: Pilot[Any]) -> DecommissionScreen:
    return next(page for page in pilot.app.screen_stack if isinstance(page, DecommissionScreen))


async def looked(pilot: Pilot[Any]) -> None:
    def there() -> bool:
        pages = [page for page in pilot.app.screen_stack if isinstance(page, DecommissionScreen)]
        return bool(pages) and pages[0].idle and pages[0].listed is not None

    await until(pilot, there)


async def asked(pilot: Pilot[Any]) -> None:
    await looked(pilot)
    await pilot.press("D")
    await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog) and pilot.app.screen.hears)
    pilot.app.screen.query_one(Input).cursor_blink = False
    await pilot.pause()


async def agreed(pilot: Pilot[Any]) -> None:
    """The phrase is typed, and all that can be done now is done."""
    await asked(pilot)
    listed = screen(pilot).listed
    assert listed is not None
    field = pilot.app.screen.query_one(Input)
    field.focus()
    field.value = listed.phrase
    await pilot.press("enter")
    await until(pilot, lambda: bool(screen(pilot)._ended) and screen(pilot).idle)


async def removing(pilot: Pilot[Any]) -> None:
    """The first route is being removed: what removes it waits for a file."""
    await looked(pilot)
    await pilot.press("D")
    await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog) and pilot.app.screen.hears)
    listed = screen(pilot).listed
    assert listed is not None
    pilot.app.screen.query_one(Input).value = listed.phrase
    await pilot.press("tab", "enter")
    await until(pilot, lambda: "removing" in items(pilot))


def items(pilot: Pilot[Any]) -> str:
    return screen(pilot).query_one("#items", Panel).text


SHOTS: dict[str, tuple[Any, Any]] = {
    "closed": (looked, app),
    "asked": (asked, app),
    "waits": (agreed, app),
    "gone": (agreed, lambda: app(AT)),
    "failed": (agreed, lambda: app(AT, ("false",))),
}


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("name", SHOTS)
def test_dark(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    way, made = SHOTS[name]
    assert snap_compare(made(), terminal_size=size, run_before=way)


def test_light(snap_compare: Compare) -> None:
    assert snap_compare(app(theme="light"), terminal_size=NARROW, run_before=looked)


async def test_a_closed_gate_says_when_it_opens_and_looking_changes_nothing() -> None:
    async with app().run_test(size=WIDE) as pilot:
        await looked(pilot)
        assert "1 gate is closed" in text(pilot)
        (closed,) = [row.text for row in screen(pilot)._gates if row.label == "✗"]
        assert "3 in the last 24 h" in closed and "opens Wed 2027-01-20 08:00 UTC at the earliest" in closed
        assert items(pilot).count("pending") == 2 + 1 + 12 and "3 more of images" in items(pilot)
        assert Path("routes-0").exists() and not Path("kept").exists()


@pytest.mark.parametrize("name", ["closed", "asked", "failed"])
async def test_a_terminal_of_20_by_5_and_back(name: str) -> None:
    way, made = SHOTS[name]
    async with made().run_test(size=NARROW) as pilot:
        await way(pilot)
        before = text(pilot)
        await pilot.resize_terminal(20, 5)
        await pilot.pause()
        await pilot.resize_terminal(*NARROW)
        await until(pilot, lambda: text(pilot) == before)


async def test_another_phrase_agrees_to_nothing() -> None:
    async with app(AT).run_test(size=WIDE) as pilot:
        await asked(pilot)
        pilot.app.screen.query_one(Input).value = "decommission 123456789012 us-east-1 00000000"
        await pilot.press("tab", "enter")
        assert isinstance(pilot.app.screen, ConfirmDialog)
        await pilot.press("escape")
        await looked(pilot)
        assert Path("routes-0").exists() and not Path("kept").exists()


async def test_with_a_closed_gate_everything_is_archived_and_nothing_else_is_done() -> None:
    async with app().run_test(size=WIDE) as pilot:
        await agreed(pilot)
        assert Path("kept").exists() and not Path("off").exists() and Path("routes-0").exists()
        assert "0 of 18 things are gone" in screen(pilot)._ended


async def test_with_open_gates_each_thing_goes_and_one_sentence_ends_it() -> None:
    made = app(AT)
    async with made.run_test(size=WIDE) as pilot:
        await agreed(pilot)
        assert not [path for path in Path().iterdir() if path.name.startswith(tuple(THINGS))]
        assert items(pilot).count("gone, looked again") == 15
        assert screen(pilot)._ended.startswith("18 of 18 things are gone")
        assert "D" not in screen(pilot).query_one(KeyLine).named, "nothing is left to do"
        await pilot.press("escape")
        await until(pilot, lambda: made.wanted == "")
        assert made.answer.exit_code == 0


async def test_what_fails_says_why_and_the_rest_stays() -> None:
    async with app(AT, ("false",)).run_test(size=WIDE) as pilot:
        await agreed(pilot)
        assert "failed (" in items(pilot) and "2 failed" in screen(pilot)._ended
        assert Path("functions-0").exists() and Path("images-0").exists()


async def test_a_thing_is_seen_while_it_is_removed_and_x_stops_before_the_next(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text('#!/bin/sh\nwhile [ ! -e go ]; do sleep 0.02; done\nrm "$1"\n')
    slow.chmod(0o755)
    async with app(AT, (str(slow),)).run_test(size=WIDE) as pilot:
        await removing(pilot)
        await pilot.press("x")
        await pilot.pause()
        Path("go").touch()
        await until(pilot, lambda: screen(pilot).idle and bool(screen(pilot)._ended))
        assert "Stopped" in screen(pilot)._ended and "2 of 18 things are gone" in screen(pilot)._ended
        assert Path("functions-0").exists()


async def test_a_list_that_has_changed_since_it_was_shown_is_not_taken_down() -> None:
    async with app(AT).run_test(size=WIDE) as pilot:
        await asked(pilot)
        page = screen(pilot)
        assert page.listed is not None
        phrase = page.listed.phrase
        page.session.checklist.step("routes").with_["things"][0]["id"] = "another"
        pilot.app.screen.query_one(Input).value = phrase
        await pilot.press("tab", "enter")
        await until(pilot, lambda: bool(page._ended) and page.idle)
        assert "The list is another one" in page._ended
        assert Path("routes-0").exists() and not Path("kept").exists()


async def test_a_gate_is_told_in_full_and_waived_with_a_reason() -> None:
    async with app().run_test(size=WIDE) as pilot:
        await looked(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ToldDialog) and pilot.app.screen.hears)
        assert "3 in the last 24 h" in text(pilot)
        await pilot.press("escape", "w")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReasonDialog) and pilot.app.screen.hears)
        pilot.app.screen.query_one("#reason", Input).value = "192.0.2.9 is our own monitor"
        pilot.app.screen.query_one("#reason", Input).focus()
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "every gate is open" in text(pilot))


async def test_the_list_is_exported_and_looked_at_again(tmp_path: Path) -> None:
    async with app().run_test(size=NARROW) as pilot:
        await looked(pilot)
        await pilot.press("e")
        await pilot.pause()
        (saved,) = (tmp_path / "state" / "saved").iterdir()
        found = json.loads(saved.read_text())
        assert len(found["items"]) == 18 and found["gates"][2]["opens"].startswith("opens Wed 2027-01-20")
        Path("routes-0").unlink()
        await pilot.press("v")
        await until(pilot, lambda: screen(pilot).idle and "gone, looked again" in items(pilot))


async def test_r_leads_to_the_way_back_and_the_footer_names_what_works() -> None:
    made = app()
    async with made.run_test(size=WIDE) as pilot:
        await looked(pilot)
        named = screen(pilot).query_one(KeyLine).named
        assert list(named.items())[:6] == [
            ("D", "take down"), ("r", "bring back"), ("Enter", "why"), ("w", "waive"), ("v", "look again"),
            ("Esc", "back"),
        ]  # fmt: skip
        await pilot.press("r")
        await until(pilot, lambda: made.wanted == "restore")
