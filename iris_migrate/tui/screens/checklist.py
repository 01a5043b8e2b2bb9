"""The checklist: where everything stands, what the next action will do exactly, and what is happening right now."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from iris_migrate.changes import Change
from iris_migrate.engine.events import Event, Status, StepStatus
from iris_migrate.language.checklist import Step
from iris_migrate.tui.commands import bindings
from iris_migrate.tui.screens.deeds import DeedsPage
from iris_migrate.tui.widgets.bars import Activity, Breadcrumb, Progress
from iris_migrate.tui.widgets.panes import Pane, PaneTabs
from iris_migrate.tui.widgets.search import SearchLine
from iris_migrate.tui.widgets.soon import soon
from iris_migrate.tui.widgets.step_list import StepList
from iris_migrate.tui.widgets.step_view import StepView

if TYPE_CHECKING:
    from iris_migrate.engine.session import Session

REDRAW = 0.05  # seconds in which events are gathered before the screen is told


class ChecklistScreen(DeedsPage):
    """The list at the side, the marked step in the middle, and what happens now below."""

    AREA = "checklist"
    TITLE_IN_HEADER = "Checklist"
    CSS_PATH = "checklist.tcss"
    BINDINGS = bindings("checklist")
    HELP = (
        "Each step is a sentence that should hold. The panel says why it stands here, what is now, and exactly what"
        " would be done; nothing is done before you apply it. What costs, interrupts or destroys asks once more."
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.wants = ""
        self._dirty = False

    opens_at = ""  # a step that is to be marked first

    def body(self) -> Iterator[Widget]:
        yield Breadcrumb()
        with Horizontal(id="middle"):
            with Vertical(id="side"):
                yield StepList(self.board)
                yield Progress()
            yield StepView(self.visit)
        yield Activity()
        yield SearchLine()

    def on_mount(self) -> None:
        self._thread = threading.get_ident()
        self._end_listening = self.session.listen(self._hear)
        if (operator := self.visit.operator) is not None:
            operator.desk, operator.where = self.visit, self.session.where
        self.query_one(StepList).focus()
        self.query_one(Progress).total = len(self.board.checklist.steps)
        if self.board.checklist.steps:
            self.query_one(StepList).show_step(self.board.checklist.steps[0].id)
        self.run_worker(self._sitting(), name="visit")
        self.call_after_refresh(self._look_first)  # the picture is there before the looking begins

    def _look_first(self) -> None:
        self.do(f"looking at {len(self.board.checklist.steps)} steps", self.visit.begin, then=self._begun)

    # What is there

    @property
    def step(self) -> Step | None:
        """The marked step; None on a phase."""
        found = self.query_one(StepList).place.step if self.is_mounted else ""
        return self.board.step(found) if found else None

    @property
    def phase(self) -> str:
        return self.query_one(StepList).place.phase

    @property
    def offered(self) -> tuple[str, tuple[Change, ...]]:
        return self.query_one(StepView).offered

    @property
    def can_go_on(self) -> bool:
        """There is another step that something can be done about."""
        if not self.idle or self.list_open:
            return False
        here = self.step.id if self.step else ""
        found = self.board.next_open(here)
        return found is not None and found.id != here

    @property
    def narrow(self) -> bool:
        return self.has_class("-narrow")

    @property
    def list_open(self) -> bool:
        return self.has_class("-list")

    # Hearing the engine

    def _hear(self, event: Event) -> None:
        if threading.get_ident() != self._thread:
            self.app.call_from_thread(self._take, event)
        else:
            self._take(event)

    def _take(self, event: Event) -> None:
        step, lines = self.board.hear(event)
        view = self.query_one(StepView)
        if lines:
            view.wrote(step, lines)
        if isinstance(event, StepStatus):
            self.query_one(StepList).refresh()
        if isinstance(event, StepStatus) and event.status is Status.RUNNING and self.visit.busy:
            self.mark(event.step)
        self.redraw()

    def redraw(self) -> None:
        """Show what has changed, soon and once."""
        if not self._dirty and self.is_mounted:
            self._dirty = True
            soon(self, REDRAW, self._draw)

    def _draw(self) -> None:
        self._dirty, self.shown = False, self.shown or (self.visit.begun and not self.visit.busy)
        steps = self.query_one(StepList)
        settled = self.board.settled(self.board.checklist.steps)
        self.query_one(Progress).done = settled
        crumb, place = self.query_one(Breadcrumb), steps.place
        crumb.where = self.query_one(StepView).show(place)
        crumb.count = f"{settled} of {len(self.board.checklist.steps)} hold"
        self.tell_activity()
        self.refresh_bindings()

    def _begun(self) -> None:
        gc.freeze()  # what is there now stays: going through it again and again would hold the screen up
        first = self.board.step(self.opens_at) if self.opens_at else self.board.next_open()
        if first is not None:
            self.mark(first.id)
            self.query_one(StepList).open_only([first.phase])
        elif self.board.checklist.phases:
            self.query_one(StepList).open_only([])

    def mark(self, step: str) -> None:
        if self.is_mounted:
            self.query_one(StepList).show_step(step)
            self.redraw()

    def on_resize(self) -> None:
        self.redraw()

    def on_step_list_marked(self) -> None:
        self.redraw()

    # Keys: looking

    def action_next(self) -> None:
        here = self.step
        found = self.board.next_open(here.id if here else "")
        if found is None:
            self.notify("Everything holds." if self.board.all_settled else "Nothing can be done now.", markup=False)
        else:
            self.mark(found.id)

    def action_list(self) -> None:
        self.toggle_class("-list")
        self.query_one(StepList).focus()
        self.refresh_bindings()

    def action_choose(self) -> None:
        """Enter on the list: its step, in full."""
        if self.list_open:
            self.action_list()
        elif not self.query_one(StepList).place.step:
            self.query_one(StepList).action_open(True)

    def action_diff(self) -> None:
        self.query_one(StepView).toggle_diff()
        self.redraw()

    async def action_pane_output(self) -> None:
        await self.query_one(StepView).open(Pane.OUTPUT)

    async def action_pane_journal(self) -> None:
        await self.query_one(StepView).open(Pane.JOURNAL)

    async def action_pane_evidence(self) -> None:
        await self.query_one(StepView).open(Pane.EVIDENCE)

    async def action_pane_undo(self) -> None:
        await self.query_one(StepView).open(Pane.UNDO)

    async def on_pane_tabs_chosen(self, event: PaneTabs.Chosen) -> None:
        await self.query_one(StepView).open(event.pane)

    def action_copy(self) -> None:
        from iris_migrate.tui.clipboard import copied

        about, text = self.query_one(StepView).focused_text()
        folder = self.session.options.state_folder() / "saved"
        self.notify(copied(self.app, text, folder, about, self.session.clock.now()), markup=False)

    async def action_search(self) -> None:
        await self.query_one(SearchLine).open()

    def on_search_line_sought(self, event: SearchLine.Sought) -> None:
        found = self.query_one(StepView).search(event.text)
        self.query_one(SearchLine).tell("" if found else "not found")

    def action_logs(self) -> None:
        from iris_migrate.tui.screens.logs import LogsScreen

        def go(step: str | None) -> None:
            if step in self.session.inspection.found:
                self.mark(step)

        self.app.push_screen(LogsScreen(self.session), go)

    # Leaving

    def action_settings(self) -> None:
        self.wants = "settings"
        self.run_worker(self._leave(None), group="leaving")

    def action_leave(self) -> None:
        if self.list_open:
            self.action_list()
            return
        self.run_worker(self._leave(self.visit.result()), group="leaving")
