"""The Verify screen: what was lost on top, both evidences, filter, one again, export, and the way to the checklist."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from iris_migrate.tui.operator import ScreenOperator
from iris_migrate.tui.screens.verify import VerifyScreen
from iris_migrate.tui.widgets.keys import KeyLine
from iris_migrate.tui.widgets.panel import Panel
from tests.tui.sitting import LocalSession, SittingApp, steps
from tests.tui.steps import text, until

NARROW, WIDE = (80, 24), (120, 40)
Compare = Callable[..., bool]
AT = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Paths are short, nothing takes time, the time zone is one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("iris_migrate.tui.screens.verify._took", lambda step: "  0.1 s")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class VerifyApp(SittingApp):
    """The app at its Verify screen at once; a step held an hour ago, another is waived."""

    async def _journey(self) -> None:
        session = await self.local.begin(ScreenOperator(self.push_screen_wait))
        for name in ("there", "note"):
            Path(name).write_text({"there": "stone is there", "note": "one\ntwo\nthree"}[name])
        await session.inspect()
        Path("note").write_text("one\nother")
        session.record.waive(
            session.clock.now(), session.checklist.name, "paid", "paid elsewhere", "ann@desk", AT + 86400
        )
        self.answer = await self.show(VerifyScreen(session))

    @property
    def told(self) -> VerifyScreen:
        assert isinstance(self.screen, VerifyScreen)
        return self.screen


def app(theme: str = "dark") -> VerifyApp:
    return VerifyApp(LocalSession(Path(), steps(Path())), theme=theme)


def ready(pilot: Pilot[Any]) -> bool:
    return isinstance(pilot.app.screen, VerifyScreen) and pilot.app.screen.ready


async def looked(pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: ready(pilot))


async def filtered(pilot: Pilot[Any]) -> None:
    await looked(pilot)
    await pilot.press("f", *"waived", "enter")
    await pilot.pause()


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
@pytest.mark.parametrize(("name", "way"), [("looked", looked), ("filtered", filtered)])
def test_dark(snap_compare: Compare, name: str, way: Any, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=way)


def test_light(snap_compare: Compare) -> None:
    assert snap_compare(app("light"), terminal_size=NARROW, run_before=looked)


@pytest.mark.parametrize("way", [looked, filtered])
async def test_a_terminal_of_20_by_5_and_back(way: Any) -> None:
    async with app().run_test(size=NARROW) as pilot:
        await way(pilot)
        before = text(pilot)
        await pilot.resize_terminal(20, 5)
        await pilot.pause()
        await pilot.resize_terminal(*NARROW)
        await until(pilot, lambda: text(pilot) == before)


async def test_what_was_lost_is_on_top_with_both_evidences() -> None:
    async with app().run_test(size=WIDE) as pilot:
        await looked(pilot)
        shown = text(pilot)
        assert "1 held before and does not hold now" in shown
        assert pilot.app.screen.marked.id == "note"  # type: ignore[attr-defined]
        panel = pilot.app.screen.query_one("#told", Panel).text
        assert "held 20" in panel and "when it held: one" in panel and "other" in panel


async def test_a_filter_narrows_and_escape_widens_again() -> None:
    async with app().run_test(size=NARROW) as pilot:
        await filtered(pilot)
        listed = pilot.app.screen.query_one(OptionList)
        assert listed.option_count == 1
        await pilot.press("escape")
        assert listed.option_count == 8


async def test_one_step_is_looked_at_again() -> None:
    async with app().run_test(size=WIDE) as pilot:
        await looked(pilot)
        Path("note").write_text("one\ntwo\nthree")
        await pilot.press("v")
        await until(pilot, lambda: ready(pilot) and not pilot.app.screen.result.lost)  # type: ignore[attr-defined]
        assert "held before" not in text(pilot)


async def test_everything_is_looked_at_again() -> None:
    async with app().run_test(size=WIDE) as pilot:
        await looked(pilot)
        Path("there").unlink()
        await pilot.press("V")
        await until(pilot, lambda: ready(pilot) and len(pilot.app.screen.result.lost) == 2)  # type: ignore[attr-defined]


async def test_copying_takes_what_the_panel_says(tmp_path: Path) -> None:
    async with app().run_test(size=WIDE) as pilot:
        await looked(pilot)
        assert pilot.app.screen.query_one(KeyLine).named["Enter"] == "open"
        await pilot.press("y")
        saved = tmp_path / "state" / "saved"
        await until(pilot, lambda: saved.is_dir() and any(saved.iterdir()))
        (copied,) = saved.iterdir()
        assert "when it held: one" in copied.read_text()


async def test_the_result_is_exported(tmp_path: Path) -> None:
    async with app().run_test(size=NARROW) as pilot:
        await looked(pilot)
        await pilot.press("e")
        await pilot.pause()
        saved = sorted((tmp_path / "state" / "saved").iterdir())
        assert len(saved) == 2
        [found] = [path for path in saved if "json" in path.name]
        assert json.loads(found.read_text())["regressions"][0]["id"] == "note"


async def test_enter_answers_with_the_step_and_escape_with_nothing() -> None:
    made = app()
    async with made.run_test(size=NARROW) as pilot:
        await looked(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: made.answer == "note")
    other = app()
    async with other.run_test(size=NARROW) as pilot:
        await looked(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: other.answer is None)
