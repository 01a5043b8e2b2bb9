"""The line view: what is kept, what is shown, what is followed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from iris_migrate.tui.widgets.line_view import LineView
from iris_migrate.tui.widgets.lines import Lines, ShownLine

texts = st.lists(st.sampled_from(["error one", "ok two", "ok three", "Error four"]), max_size=60)


@given(texts, st.integers(1, 20), st.booleans())
def test_lines_agree_with_a_list_of_the_newest(said: list[str], cap: int, filtered: bool) -> None:
    lines = Lines(cap)
    if filtered:
        lines.filter(lambda line: "ok" in line.text)
    for at in range(0, len(said), 7):
        lines.add(ShownLine(text) for text in said[at : at + 7])
    kept = [text for text in said[-cap:] if not filtered or "ok" in text]
    assert [line.text for line in lines] == kept
    assert (len(lines), lines.total) == (len(kept), len(said))
    lines.filter(None)
    assert [line.text for line in lines] == said[-cap:]


def test_finding_ignores_case_and_goes_both_ways() -> None:
    lines = Lines()
    lines.add(ShownLine(text) for text in ("error one", "ok", "Error two"))
    assert (lines.find("ERROR", 0), lines.find("error", 2, -1), lines.find("error", 1, -1)) == (0, 2, 0)
    assert lines.find("none", 0) is None


class LinesApp(App[None]):
    def compose(self) -> ComposeResult:
        yield LineView(cap=1000)

    @property
    def view(self) -> LineView:
        return self.query_one(LineView)

    async def until(self, pilot: object, total: int) -> None:
        while self.view.lines.total < total:
            await pilot.pause(0.01)  # type: ignore[attr-defined]


def shown(app: LinesApp) -> list[str]:
    view = app.view
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


async def test_the_newest_line_is_followed_until_one_pauses() -> None:
    app = LinesApp()
    async with app.run_test(size=(40, 10)) as pilot:
        app.view.feed_text([f"line {n}" for n in range(100)])
        await app.until(pilot, 100)
        assert shown(app)[-1] == "line 99"
        app.view.focus()
        await pilot.press("space")
        app.view.feed_text([f"more {n}" for n in range(50)])
        await app.until(pilot, 150)
        assert shown(app)[-1] == "line 99"
        await pilot.press("end")
        assert shown(app)[-1] == "more 49"


async def test_what_is_looked_at_stays_in_place_while_old_lines_go() -> None:
    app = LinesApp()
    async with app.run_test(size=(40, 10)) as pilot:
        app.view.feed_text([f"line {n}" for n in range(1000)])
        await app.until(pilot, 1000)
        app.view.focus()
        await pilot.press("pageup")
        looked_at = shown(app)[0]
        app.view.feed_text([f"more {n}" for n in range(300)])
        await app.until(pilot, 1300)
        assert shown(app)[0] == looked_at


async def test_more_lines_than_are_kept_are_all_counted() -> None:
    app = LinesApp()
    async with app.run_test(size=(40, 10)) as pilot:
        for _ in range(20):
            app.view.feed_text([f"{n}" for n in range(1000)])
        await app.until(pilot, 20_000)
        assert len(app.view.lines) == 1000


async def test_a_search_shows_what_it_found() -> None:
    app = LinesApp()
    async with app.run_test(size=(40, 10)) as pilot:
        app.view.feed_text([f"line {n}" for n in range(500)])
        await app.until(pilot, 500)
        assert app.view.search("line 123") and not app.view.search("nowhere")
        await pilot.pause()
        assert "line 123" in shown(app)


async def test_lines_before_the_view_is_there_are_not_lost() -> None:
    app = LinesApp()
    view = LineView()
    view.feed_text(["early"])
    async with app.run_test(size=(40, 10)) as pilot:
        await app.mount(view)
        while view.lines.total < 1:
            await pilot.pause(0.01)
