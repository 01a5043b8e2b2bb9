"""A page that is one visit to a checklist: one run of the engine, one work at a time, and an end in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.worker import WorkerCancelled, WorkerFailed

from iris_migrate.engine.events import Status
from iris_migrate.engine.results import CheckResult
from iris_migrate.exits import exit_code_of
from iris_migrate.language.checklist import Step
from iris_migrate.redact import clean
from iris_migrate.tui.board import Board
from iris_migrate.tui.screens.page import Page
from iris_migrate.tui.visit import Visit
from iris_migrate.tui.widgets.bars import Activity

if TYPE_CHECKING:
    from iris_migrate.engine.session import Session
    from iris_migrate.tui.widgets.dialog import Dialog


class VisitPage(Page[CheckResult | None]):
    """The answer is how it stands; None: to the settings. What is marked, and how it looks, is the checklist's own."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.board = Board(session.checklist)
        self.visit = Visit(session, self.board)
        self._end_listening: Callable[[], None] = lambda: None
        self._left = asyncio.Event()
        self.shown = False  # what was found first stands on the screen: keys that came before do nothing

    @property
    def step(self) -> Step | None:
        """The marked step; None on a phase."""
        raise NotImplementedError

    @property
    def status(self) -> Status | None:
        return self.board.status(self.step.id) if self.step else None

    @property
    def idle(self) -> bool:
        """Nothing runs, and what was found stands on the screen."""
        return not self.visit.busy and self.shown

    def redraw(self) -> None:
        """Show what has changed, soon and once."""
        raise NotImplementedError

    async def _sitting(self) -> None:
        """Lives as long as the visit: however it ends, the record says so."""
        try:
            await self._left.wait()
        finally:
            self._end_listening()
            await self.visit.end()

    def on_screen_suspend(self) -> None:
        self.redraw()

    def on_screen_resume(self) -> None:
        self.redraw()

    def tell_activity(self) -> None:
        """What happens now; nothing does while a dialog waits for its answer."""
        activity = self.query_one(Activity)
        activity.busy = self.visit.busy
        activity.asks = self.visit.busy and getattr(self.session.operator, "asks", False)
        if self.visit.busy:
            activity.says = self.board.activity

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
            from iris_migrate.tui.widgets.dialogs import ProblemDialog

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

    # Keys of every visit

    @property
    def can_waive(self) -> bool:
        """The marked step is not settled."""
        return self.idle and self.status is not None and not self.status.settled

    def action_waive(self) -> None:
        if (step := self.step) is not None:
            self.run_worker(self._waive(step), group="asking")

    async def _waive(self, step: Step) -> None:
        from iris_migrate.tui.widgets.dialogs import ReasonDialog, Waiver

        waiver = await self.show(ReasonDialog(step.title, self.session.clock.now))
        if isinstance(waiver, Waiver):
            deed = partial(self.visit.waive, step, waiver.reason, waiver.until)
            self.do(f"{step.title} waived", deed, partial(self._after, step.id))

    def action_stop(self) -> None:
        self.visit.end_soon()
        self.board.activity = "it stops where it only waits; what was sent is seen to its end"
        self.redraw()

    def _after(self, step: str) -> None:
        """A step was done something about: where to go on."""

    # Leaving

    async def _leave(self, answer: CheckResult | None) -> None:
        """End what works, then the visit: nothing needs the session any more when the flow closes it."""
        if not await self._may_leave():
            return
        ending = self.workers.cancel_group(self, "engine")
        self._left.set()
        for worker in (*ending, *(worker for worker in self.workers if worker.name == "visit")):
            with contextlib.suppress(WorkerCancelled, WorkerFailed):
                await worker.wait()
        self.dismiss(answer)

    async def _may_leave(self) -> bool:
        if not self.visit.busy:
            return True
        from iris_migrate.tui.widgets.dialogs import ConfirmDialog

        return bool(await self.show(ConfirmDialog("Leave while this runs?", self.leaving(), agree="Leave")))

    def leaving(self) -> str:
        if not self.visit.busy:
            return ""
        from iris_migrate.engine.explaining import unfinished

        rows = unfinished(self.session) or ["Nothing was sent that is not finished: only looking or waiting ends here."]
        last = "The record is written before each change: starting again goes on from here."
        return clean("\n".join([f"Now: {self.board.activity}", *rows, last]))
