"""Logs: what the service, nginx and the kernel say, merged by time; live until one pauses or scrolls up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from iris_migrate.engine.logs import LogSource, log_sources
from iris_migrate.redact import clean
from iris_migrate.target import Unreadable
from iris_migrate.tui.commands import bindings
from iris_migrate.tui.following import merged
from iris_migrate.tui.log_lines import LEVEL_NAMES, field_rows
from iris_migrate.tui.screens.page import Page
from iris_migrate.tui.symbols import spark
from iris_migrate.tui.widgets.line_view import LineView
from iris_migrate.tui.widgets.lines import ShownLine
from iris_migrate.tui.widgets.log_views import LogLines
from iris_migrate.tui.widgets.panel import Panel
from iris_migrate.tui.widgets.search import SearchLine

if TYPE_CHECKING:
    from iris_migrate.engine.session import Session

LEVELS = (7, 4, 3)  # all, warnings and worse, errors
AGES = ((0.0, ""), (300.0, "5 min"), (3600.0, "1 h"))
BUCKET, BUCKETS = 10.0, 24  # seconds of one bar, and how many bars there are
NAME = 9  # cells for the name of a source


class LogsScreen(Page[str | None]):
    """Reads only. Nothing of it stays on the host when it is closed. Answers with a step to go to, if any."""

    AREA = "logs"
    TITLE_IN_HEADER = "Logs"
    CSS_PATH = "logs.tcss"
    BINDINGS = bindings("logs")
    HELP = (
        "Every log that the checklist knows, merged by time, or (b) side by side. The numbers show and hide one. Space"
        " pauses: then it says how many lines are new. j and k mark a line, Enter takes it apart, o goes to the step"
        " that was worked on when it was written. The bars are errors, ten seconds each."
    )

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.sources: tuple[LogSource, ...] = log_sources(session.checklist)
        self._hidden: set[str] = set()
        self._level, self._age, self._wanted = 0, 0, ""
        self._errors: Counter[int] = Counter()
        self._new, self._live, self._problem = 0, False, ""
        self._told = ("", "")  # the lines above and below

    def body(self) -> Iterator[Widget]:
        yield Static("", id="sources", markup=False)
        yield LogLines([source.name for source in self.sources])
        fields = Panel(id="fields")
        fields.display = False
        yield fields
        yield Static("", id="state", markup=False)
        yield SearchLine()
        yield SearchLine("Show only lines with (empty: all):", id="filter")

    def on_mount(self) -> None:
        self.lines.merged.focus()
        self.run_worker(self._feed(), group="logs", exit_on_error=False)
        self.set_interval(BUCKET / 2, self._tell)
        self._tell()

    @property
    def lines(self) -> LogLines:
        return self.query_one(LogLines)

    async def _feed(self) -> None:
        """Lines as they come; what cannot be followed is said, and the rest goes on."""
        try:
            connection = await self.session.target.connection()
            self._live = True
            async for batch in merged(connection, self.session.secrets, self.sources, self._say):
                self._take(batch)
        except Unreadable as error:
            self._say(str(error))
        finally:
            self._live = False
            if self.is_mounted:
                self._tell()

    def _say(self, problem: str) -> None:
        self._problem = clean(problem)
        self._tell()

    def _take(self, batch: list[ShownLine]) -> None:
        for line in batch:
            if line.level <= 3:
                self._errors[int(line.time // BUCKET)] += 1
        self.lines.feed(batch)

    # What is said above and below

    def on_line_view_counted(self, event: LineView.Counted) -> None:
        if event.view is self.lines.current:
            self._new = event.new
        self._tell()

    def _tell(self) -> None:
        if not self.is_mounted:
            return
        names = [
            f"{number} {'–' if source.name in self._hidden else '●'} {source.name}"
            for number, source in enumerate(self.sources, 1)
        ]
        now = int(self.session.clock.now() // BUCKET)
        bars = tuple(self._errors[bucket] for bucket in range(now - BUCKETS + 1, now + 1))
        width = self.size.width
        errors = f"errors {spark(bars)} {self.lines.merged.lines.errors}"
        left = " " + "  ".join(names)
        above = left + " " * max(2, width - len(left) - len(errors) - 1) + errors
        told = above, self._state()
        if told != self._told:  # these lines stay where they are: nothing has to be laid out anew
            self._told = told
            self.query_one("#sources", Static).update(Content(told[0]), layout=False)
            self.query_one("#state", Static).update(Content(told[1]), layout=False)

    def _state(self) -> str:
        lines = self.lines.current
        if self._problem:
            live = f"! {self._problem}"
        elif not lines.following:
            live = f"paused · {self._new} new lines · End shows them"
        else:
            live = "● live" if self._live else "◌ connecting"
        shown = [f"{self.lines.merged.lines.total} lines"]
        if LEVELS[self._level] != 7:
            shown.append(f"only {LEVEL_NAMES[LEVELS[self._level]]} and worse")
        if self._age:
            shown.append(f"only the last {AGES[self._age][1]}")
        if self._wanted:
            shown.append(f"only with “{self._wanted}”")
        return f" {live} · {' · '.join(shown)}"

    # Filters

    def _refilter(self) -> None:
        level, wanted, hidden = LEVELS[self._level], self._wanted.casefold(), set(self._hidden)
        oldest = self.session.clock.now() - AGES[self._age][0] if self._age else 0.0
        keep: Callable[[ShownLine], bool] | None = None
        if level < 7 or wanted or hidden or oldest:

            def keep(line: ShownLine) -> bool:
                return (
                    line.level <= level
                    and line.time >= oldest
                    and line.source not in hidden
                    and (not wanted or wanted in line.text.casefold())
                )

        self.lines.filter(keep, hidden)
        self._tell()

    def _switch(self, number: int) -> None:
        if number <= len(self.sources):
            self._hidden ^= {self.sources[number - 1].name}
            self._refilter()

    def action_source_1(self) -> None:
        self._switch(1)

    def action_source_2(self) -> None:
        self._switch(2)

    def action_source_3(self) -> None:
        self._switch(3)

    def action_source_4(self) -> None:
        self._switch(4)

    def action_source_5(self) -> None:
        self._switch(5)

    def action_source_6(self) -> None:
        self._switch(6)

    def action_source_7(self) -> None:
        self._switch(7)

    def action_source_8(self) -> None:
        self._switch(8)

    def action_source_9(self) -> None:
        self._switch(9)

    def action_level(self) -> None:
        self._level = (self._level + 1) % len(LEVELS)
        self._refilter()

    def action_age(self) -> None:
        self._age = (self._age + 1) % len(AGES)
        self._refilter()

    async def action_filter(self) -> None:
        await self.query_one("#filter", SearchLine).open()

    async def action_search(self) -> None:
        await self.query(SearchLine).first().open()

    def on_search_line_sought(self, event: SearchLine.Sought) -> None:
        if event.line.id == "filter":
            self._wanted = clean(event.text)
            event.line.action_close()
            self._refilter()
        else:
            event.line.tell("" if self.lines.current.search(event.text) else "not found")

    async def action_beside(self) -> None:
        await self.lines.toggle(self._hidden)
        self._tell()

    # One line, and all of them

    def action_step(self) -> None:
        """To the step that was worked on when the marked line was written."""
        line = self.lines.current.marked
        found = None if line is None else self.session.record.running_at(line.time)
        if line is None or found is None:
            self.notify("Nothing had been done by then.", markup=False)
            return
        step, ended = found
        if ended is not None:
            title = clean(self.session.checklist.step(step).title)
            self.notify(f"Nothing was done then; {title} had ended {line.time - ended:.0f} s before.", markup=False)
        self.dismiss(step)

    def action_fields(self) -> None:
        fields = self.query_one("#fields", Panel)
        fields.display = not fields.display
        self._show_fields()

    def on_line_view_marked(self) -> None:
        self._show_fields()

    def _show_fields(self) -> None:
        fields, line = self.query_one("#fields", Panel), self.lines.current.marked
        if fields.display and line is not None:
            fields.show("line", field_rows(line))

    def action_save(self) -> None:
        from iris_migrate.tui.clipboard import save

        folder = self.session.options.state_folder() / "saved"
        try:
            path = save(self.lines.current.text, folder, "logs", self.session.clock.now())
        except OSError as error:
            self.notify(f"It could not be saved: {error}", severity="error", markup=False)
            return
        self.notify(f"{len(self.lines.current.lines)} lines saved in {path}", markup=False)

    def action_copy(self) -> None:
        from iris_migrate.tui.clipboard import copied

        line = self.lines.current.marked
        folder = self.session.options.state_folder() / "saved"
        text = self.lines.current.text if line is None else line.text
        self.notify(copied(self.app, text, folder, "logs", self.session.clock.now()), markup=False)

    def action_close(self) -> None:
        fields = self.query_one("#fields", Panel)
        if fields.display:
            fields.display = False
        else:
            self.dismiss(None)
