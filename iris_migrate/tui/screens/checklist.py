"""The checklist: where everything stands, what the next action will do exactly, and what is happening right now."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from iris_migrate.engine.events import Event, Status, StepStatus
from iris_migrate.engine.results import CheckResult
from iris_migrate.exits import exit_code_of
from iris_migrate.language.checklist import Step
from iris_migrate.redact import clean
from iris_migrate.resources.base import CannotUndo
from iris_migrate.tui.board import Board
from iris_migrate.tui.commands import bindings
from iris_migrate.tui.screens.page import Page
from iris_migrate.tui.telling import RISKS, Row, plan_rows
from iris_migrate.tui.visit import Visit
from iris_migrate.tui.widgets.bars import Activity, Breadcrumb, Progress
from iris_migrate.tui.widgets.dialogs import ConfirmDialog, Dialog, ProblemDialog, ReasonDialog, Waiver
from iris_migrate.tui.widgets.panes import Pane, PaneTabs
from iris_migrate.tui.widgets.search import SearchLine
from iris_migrate.tui.widgets.soon import soon
from iris_migrate.tui.widgets.step_list import StepList
from iris_migrate.tui.widgets.step_view import StepView

if TYPE_CHECKING:
    from iris_migrate.engine.session import Session

REDRAW = 0.05  # seconds in which events are gathered before the screen is told
_APPLIES = frozenset(
    {Status.READY, Status.UNKNOWN, Status.CONVERGING, Status.STALE, Status.NEEDS_OPERATOR, Status.INTERRUPTED}
)


class ChecklistScreen(Page[CheckResult | None]):
    """One visit is one run of the engine. The answer is how it stands; None: to the settings."""

    AREA = "checklist"
    TITLE_IN_HEADER = "Checklist"
    CSS_PATH = "checklist.tcss"
    BINDINGS = bindings("checklist")
    HELP = (
        "Each step is a sentence that should hold. The panel says why it stands here, what is now, and exactly what"
        " would be done; nothing is done before you apply it. What costs, interrupts or destroys asks once more."
    )

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.board = Board(session.checklist)
        self.visit = Visit(session, self.board)
        self.wants = ""
        self._dirty = False
        self._end_listening: Callable[[], None] = lambda: None
        self._left = asyncio.Event()

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

    async def _sitting(self) -> None:
        """Lives as long as the visit: however it ends, the record says so."""
        try:
            await self._left.wait()
        finally:
            self._end_listening()
            await self.visit.end()

    # What is there

    @property
    def step(self) -> Step | None:
        """The marked step; None on a phase."""
        found = self.query_one(StepList).place.step if self.is_mounted else ""
        return self.board.step(found) if found else None

    @property
    def status(self) -> Status | None:
        return self.board.status(self.step.id) if self.step else None

    @property
    def idle(self) -> bool:
        return not self.visit.busy and self.visit.begun

    @property
    def can_apply(self) -> bool:
        if not self.idle or self.step is None:
            return False
        waits = self.status is Status.WAITING and not self.visit.waiting_for(self.step)
        return waits or self.status in _APPLIES

    @property
    def can_retry(self) -> bool:
        return self.idle and self.status is Status.FAILED

    @property
    def can_waive(self) -> bool:
        return self.idle and self.status is not None and not self.status.settled

    @property
    def can_undo(self) -> bool:
        return self.idle and self.step is not None and self.visit.can_undo(self.step)

    @property
    def can_phase(self) -> bool:
        phase = self.query_one(StepList).place.phase
        steps = self.board.steps(phase)
        return self.idle and self.board.settled(steps) < len(steps)

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
        if isinstance(event, StepStatus) and event.status is Status.RUNNING and self.visit.busy:
            self._mark(event.step)
        self.redraw()

    def redraw(self) -> None:
        """Show what has changed, soon and once."""
        if not self._dirty and self.is_mounted:
            self._dirty = True
            soon(self, REDRAW, self._draw)

    def _draw(self) -> None:
        self._dirty = False
        steps = self.query_one(StepList)
        steps.refresh()
        settled = self.board.settled(self.board.checklist.steps)
        self.query_one(Progress).done = settled
        crumb, place = self.query_one(Breadcrumb), steps.place
        crumb.where = self.query_one(StepView).show(place)
        crumb.count = f"{settled} of {len(self.board.checklist.steps)} hold"
        activity = self.query_one(Activity)
        activity.busy = self.visit.busy
        if self.visit.busy:
            activity.says = self.board.activity
        self.refresh_bindings()

    # Working

    def do(self, says: str, deed: Callable[[], Awaitable[None]], then: Callable[[], None] | None = None) -> None:
        """Start one work; another has to wait."""
        if self.visit.busy:
            self.notify("Something is being done. x asks it to stop where it only waits.", markup=False)
            return
        self.visit.busy = True
        self.board.activity = clean(says)
        self.redraw()
        self.run_worker(self._doing(says, deed, then), group="engine", exit_on_error=False)

    async def _doing(self, says: str, deed: Callable[[], Awaitable[None]], then: Callable[[], None] | None) -> None:
        activity = self.query_one(Activity)
        try:
            how = await self.visit.doing(deed)
        except Exception as error:
            activity.says = f"{says}: it did not go"
            self.redraw()
            await self.show(ProblemDialog("It did not go", clean(exit_code_of(error)[1])))
            return
        activity.says = f"{says}: {how}" if how else self._done(says)
        if then is not None and not how:
            then()
        self.redraw()

    def _done(self, says: str) -> str:
        settled, total = self.board.settled(self.board.checklist.steps), len(self.board.checklist.steps)
        if self.board.all_settled:
            return "everything holds"
        return f"{says}: {self._came_to() or 'done'} · {settled} of {total} hold"

    def _came_to(self) -> str:
        """How the marked step stands, when it is not settled."""
        step, status = self.step, self.status
        if step is None or status is None or status.settled:
            return ""
        if status is Status.WAITING and (before := self.visit.waiting_for(step)):
            return f"{self.board.number(step.id)} waits for {self.board.number(before)}"
        return f"{self.board.number(step.id)} {status.value}".replace("-", " ")

    async def show(self, dialog: Dialog[Any]) -> Any:
        """Show a dialog and wait for its answer."""
        return await self.app.push_screen_wait(dialog)

    def _begun(self) -> None:
        first = self.board.next_open()
        if first is not None:
            self._mark(first.id)
            self.query_one(StepList).open_only([first.phase])
        elif self.board.checklist.phases:
            self.query_one(StepList).open_only([])

    def _mark(self, step: str) -> None:
        if self.is_mounted:
            self.query_one(StepList).show_step(step)
            self.redraw()

    def on_resize(self) -> None:
        self.redraw()

    def on_step_list_marked(self) -> None:
        self.redraw()

    # Keys: working

    def action_apply(self) -> None:
        step = self.step
        if step is None:
            return
        if before := self.visit.waiting_for(step):
            self.notify(f"It waits for {self.board.step(before).title}; n goes there.", markup=False)
            return
        deed = partial(self.visit.bring, step, self.visit.plan(step.id))
        self.do(step.title, deed, partial(self._after, step.id))

    action_retry = action_apply

    def _after(self, step: str) -> None:
        """What was applied holds: on to the next one, unless the operator has gone elsewhere meanwhile."""
        here = self.step
        status = self.board.status(step)
        if here is not None and here.id == step and status is not None and status.settled:
            self.action_next()

    def action_phase(self) -> None:
        phase = self.query_one(StepList).place.phase
        title = f"{phase} {self.board.phase(phase).title}"
        self.do(title, partial(self.visit.to_end_of_phase, phase, self._mark), self._after_phase)

    def _after_phase(self) -> None:
        if self.status is not None and self.status.settled:
            self.action_next()

    def action_verify(self) -> None:
        if (step := self.step) is not None:
            self.do(f"looking at {step.title}", partial(self.visit.verify, step))

    def action_verify_all(self) -> None:
        self.do(f"looking at {len(self.board.checklist.steps)} steps", partial(self.visit.verify, None))

    async def action_waive(self) -> None:
        if (step := self.step) is not None:
            self.run_worker(self._waive(step), group="asking")

    async def _waive(self, step: Step) -> None:
        waiver = await self.show(ReasonDialog(step.title, self.session.clock.now))
        if isinstance(waiver, Waiver):
            deed = partial(self.visit.waive, step, waiver.reason, waiver.until)
            self.do(f"{step.title} waived", deed, partial(self._after, step.id))

    def action_undo(self) -> None:
        if (step := self.step) is not None:
            self.run_worker(self._undo(step), group="asking")

    async def _undo(self, step: Step) -> None:
        try:
            changes = self.visit.undoing(step)
        except CannotUndo as reason:
            await self.show(ProblemDialog("Nothing to undo", clean(str(reason))))
            return
        rows = [*plan_rows(changes, full=True)] or [Row("", "Nothing has to be done for it.")]
        risk = RISKS[step.risk] if step.risk in ("interrupts", "destroys") else "what works now may stop working"
        if await self.show(ConfirmDialog(f"Undo: {step.title}?", rows, risk, agree="Put back")):
            self.do(f"{step.title} put back", partial(self.visit.undo, step, changes))

    def action_stop(self) -> None:
        self.visit.end_soon()
        self.board.activity = "it stops where it only waits; what was sent is seen to its end"
        self.redraw()

    # Keys: looking

    def action_next(self) -> None:
        here = self.step
        found = self.board.next_open(here.id if here else "")
        if found is None:
            self.notify("Everything holds." if self.board.all_settled else "Nothing can be done now.", markup=False)
        else:
            self._mark(found.id)

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

    def action_search(self) -> None:
        self.query_one(SearchLine).open()

    def on_search_line_sought(self, event: SearchLine.Sought) -> None:
        found = self.query_one(StepView).search(event.text)
        self.query_one(SearchLine).tell("" if found else "not found")

    def action_logs(self) -> None:
        from iris_migrate.tui.screens.logs import LogsScreen

        self.app.push_screen(LogsScreen(self.session))

    # Leaving

    def action_settings(self) -> None:
        self.wants = "settings"
        self.run_worker(self._leave(None), group="leaving")

    def action_leave(self) -> None:
        if self.list_open:
            self.action_list()
            return
        self.run_worker(self._leave(self.visit.result()), group="leaving")

    async def _leave(self, answer: CheckResult | None) -> None:
        if await self.may_leave():
            for worker in self.workers:
                if worker.group == "visit":
                    await worker.wait()
            self.dismiss(answer)

    async def may_leave(self) -> bool:
        """Ask when something runs; then end the visit."""
        if self.visit.busy and not await self.show(
            ConfirmDialog("Leave while this runs?", self.leaving(), agree="Leave")
        ):
            return False
        self._left.set()
        return True

    def leaving(self) -> str:
        if not self.visit.busy:
            return ""
        from iris_migrate.engine.explaining import unfinished

        rows = unfinished(self.session) or ["Nothing was sent that is not finished: only looking or waiting ends here."]
        last = "The record is written before each change: starting again goes on from here."
        return clean("\n".join([f"Now: {self.board.activity}", *rows, last]))
