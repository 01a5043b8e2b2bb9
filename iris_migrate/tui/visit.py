"""One sitting at a checklist: one run of the engine, driven step by step, one work at a time. Knows no widget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from iris_migrate.changes import Change
from iris_migrate.engine.consent import Choice, Decision, Failure
from iris_migrate.engine.events import Status
from iris_migrate.engine.inspection import Inspected
from iris_migrate.engine.results import CheckResult
from iris_migrate.engine.run import Run, Stopped
from iris_migrate.language.checklist import Step
from iris_migrate.resources.base import CannotUndo
from iris_migrate.tui.board import Board
from iris_migrate.tui.telling import plan_of

if TYPE_CHECKING:
    from iris_migrate.engine.diagnosis import Diagnosis
    from iris_migrate.engine.session import Session
    from iris_migrate.tui.operator import ScreenOperator

Plan = tuple[tuple[Step, tuple[Change, ...]], ...]  # steps, each with what would be done


class Visit:
    """What can be done at a checklist. Each deed is awaited under the engine's run lock."""

    def __init__(self, session: Session, board: Board) -> None:
        self.session, self.board = session, board
        self.failures: dict[str, Failure] = {}
        self.diagnoses: dict[str, Diagnosis] = {}
        self.busy = False
        self.cut_short = False  # the last deed did not come to its end
        self._run: Run | None = None

    @property
    def run(self) -> Run:
        assert self._run is not None
        return self._run

    @property
    def begun(self) -> bool:
        """Whether everything was looked at once."""
        return self._run is not None and len(self.board.statuses) == len(self.board.checklist.steps)

    @property
    def operator(self) -> ScreenOperator | None:
        """The person at the screens; None while a test has somebody else."""
        from iris_migrate.tui.operator import ScreenOperator

        found = self.session.operator
        return found if isinstance(found, ScreenOperator) else None

    async def doing(self, deed: Callable[[], Awaitable[None]]) -> str:
        """Do it alone, and say how it came out: "" or `stopped`. Errors of the engine go on to the caller."""
        self.busy, self.cut_short = True, False
        try:
            if self._run is None:
                self._run = self.session.start_run()
            self._run.ending.clear()
            async with self._run.lock:
                await deed()
            return ""
        except Stopped:
            return "stopped"
        except BaseException:
            self.cut_short = True
            self._interrupted()
            raise
        finally:
            self.busy = False
            if self.operator is not None:
                self.operator.forget()

    def _interrupted(self) -> None:
        """What was being worked on is not any more, and nobody knows how far it came: applying it looks first."""
        if self._run is None:
            return
        for name, status in tuple(self._run.statuses.items()):
            if status is Status.RUNNING:
                self._run.tell(self.board.step(name), Status.INTERRUPTED)

    async def begin(self) -> None:
        await self.run.begin()

    async def bring(self, step: Step, agreed: Sequence[Change]) -> None:
        """Bring one step to hold; what the panel shows is consented to."""
        if agreed and self.operator is not None:
            self.operator.agree(step.id, agreed)
        await self._on_their_way(step)
        await self.run.bring(step)

    async def to_end_of_phase(self, phase: str, at: Callable[[str], None]) -> None:
        """Bring the phase's steps to hold in order, as far as they go; what has no risk was agreed to."""
        if self.operator is not None:
            self.operator.phase = phase
        for step in self.board.steps(phase):
            status = self.run.statuses.get(step.id)
            if status is not None and status.settled:
                continue
            at(step.id)
            await self._on_their_way(step)
            after = await self.run.bring(step)
            if self.run.ending.is_set():
                raise Stopped(step.id)
            if not after.settled and step.critical:
                return
        await self.run.look()

    async def _on_their_way(self, step: Step) -> None:
        """Wait for what this step waits for, where that comes to hold by itself."""
        for name in step.waits_for:
            if self.run.statuses.get(name) is Status.CONVERGING:
                await self.run.bring(self.board.step(name))
                await self.run.look(self.run.inspection.dependents(name))

    async def verify(self, step: Step | None) -> None:
        """Look again, at one step or at all; nothing is changed."""
        if step is None:
            await self.run.look()
        else:
            await self.run.look({step.id})

    async def undo(self, step: Step, agreed: Sequence[Change]) -> None:
        """Put back what the step changed, as it was shown. Raises CannotUndo."""
        outcome = await self.run.undo(step, agreed)
        if outcome.failed is not None:
            raise CannotUndo(f"{step.title}: it could not be put back: {outcome.error}")

    async def waive(self, step: Step, reason: str, until: float | None) -> None:
        self.run.decide(step, Decision(Choice.WAIVE, reason, until), Status.WAIVED)
        await self.run.look(self.run.inspection.dependents(step.id) - {step.id})

    async def probe(self, step: Step) -> None:
        """Ask the facts why a step does not hold. The step stays as it is: nothing is changed."""
        from iris_migrate.engine.diagnosis import Wrote

        failure = self.failure(step.id)
        wrote = Wrote(failure.change, failure.lines, failure.why) if failure is not None else None
        await self.session.inspection.look({step.id})
        self.diagnoses[step.id] = await self.session.diagnostician.of([step.id], wrote)

    async def mend(self, step: Step, plan: Plan) -> None:
        """Bring the steps of the remedies to hold, then the step itself: what was shown is consented to."""
        shown = dict((one.id, changes) for one, changes in plan)
        await self.run.look(set(shown))
        for one in (*(one for one, _ in plan if one.id != step.id), step):
            if self.operator is not None:
                self.operator.agree(one.id, shown.get(one.id, ()))
            await self._on_their_way(one)
            after = await self.run.bring(one)
            if self.run.ending.is_set():
                raise Stopped(one.id)
            if not after.settled and one.critical:
                return

    def end_soon(self) -> None:
        """Ask what runs to end where it only waits."""
        if self._run is not None:
            self._run.ending.set()

    async def end(self) -> None:
        """The visit is over: say in the record how it ended, and give the lease back."""
        if self._run is not None:
            run, self._run = self._run, None
            await self.session.end_run(run, "interrupted" if self.busy or self.cut_short else "done")

    async def failed(self, failure: Failure) -> Decision:
        """Keep a failure for the panel; what to do about it is decided there, by any key, at leisure."""
        self.failures[failure.step.id] = failure
        if failure.diagnosis is not None:
            self.diagnoses[failure.step.id] = failure.diagnosis
        return Decision(Choice.SKIP)

    # Asking

    def inspected(self, step: str) -> Inspected | None:
        return self.session.inspection.found.get(step)

    def plan(self, step: str) -> tuple[Change, ...]:
        return plan_of(self.inspected(step), self.board.status(step))

    def failure(self, step: str) -> Failure | None:
        """Why the step failed, while it has."""
        return self.failures.get(step) if self.board.status(step) is Status.FAILED else None

    def diagnosis(self, step: str) -> Diagnosis | None:
        """The causes that facts named, while the step does not hold."""
        status = self.board.status(step)
        return None if status is None or status.settled else self.diagnoses.get(step)

    def mending(self, step: Step) -> Plan:
        """The steps of the remedies, each with what would be done now, and the step itself last; empty without any."""
        found = self.diagnosis(step.id)
        if found is None or not found.named:
            return ()
        steps = self.session.diagnostician.steps
        plan = {one.id: (one, self.plan(one.id)) for cause in found.named for one in steps(cause)}
        if not plan:
            return ()
        plan.pop(step.id, None)
        order = [one.id for one in self.board.checklist.steps]
        return (*sorted(plan.values(), key=lambda one: order.index(one[0].id)), (step, self.plan(step.id)))

    def undoing(self, step: Step) -> tuple[Change, ...]:
        """What undo would put back. Raises CannotUndo with a sentence."""
        if self._run is None or self.inspected(step.id) is None:
            raise CannotUndo("It was not looked at yet.")
        return self._run.undoing(step)

    def can_undo(self, step: Step) -> bool:
        try:
            return bool(self.undoing(step))
        except CannotUndo:
            return False

    def can_begin(self, step: Step) -> bool:
        """Whether anything can be done about a step that is not settled."""
        status = self.board.status(step.id)
        if status is None or status.settled:
            return False
        return status is not Status.WAITING or not self.waiting_for(step)

    def waiting_for(self, step: Step) -> str:
        """The first step that this one waits for and that does not come to hold by itself."""
        for name in step.waits_for:
            status = self.board.status(name)
            if status is Status.CONVERGING:
                continue
            if self.board.step(name).critical and (status is None or not status.settled):
                return name
        return ""

    def result(self) -> CheckResult:
        run = self._run
        told = {} if run is None else {n: (status, run.details.get(n, "")) for n, status in run.statuses.items()}
        return self.session.result(told)
