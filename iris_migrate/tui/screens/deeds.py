"""What can be done about the marked step, and its keys: apply, mend, look again, undo."""

from __future__ import annotations

from functools import partial

from iris_migrate.changes import Change
from iris_migrate.engine.events import Status
from iris_migrate.language.checklist import Step
from iris_migrate.redact import clean
from iris_migrate.resources.base import CannotUndo
from iris_migrate.tui.screens.visiting import VisitPage
from iris_migrate.tui.telling import RISKS, Row, plan_rows, remedy_rows

_APPLIES = frozenset(
    {Status.READY, Status.UNKNOWN, Status.CONVERGING, Status.STALE, Status.NEEDS_OPERATOR, Status.INTERRUPTED}
)
_HARM = ("none", "costs", "interrupts", "destroys")


class DeedsPage(VisitPage):
    """`can_…` say what may be done now: the footer names only that."""

    @property
    def phase(self) -> str:
        """The phase in which one is."""
        raise NotImplementedError

    @property
    def list_open(self) -> bool:
        """The list stands where the panel would."""
        raise NotImplementedError

    @property
    def offered(self) -> tuple[str, tuple[Change, ...]]:
        """The step whose plan stands on the panel, and the plan."""
        raise NotImplementedError

    def mark(self, step: str) -> None:
        """Go to a step."""
        raise NotImplementedError

    def action_next(self) -> None:
        """Go to the next step that something can be done about."""
        raise NotImplementedError

    @property
    def can_apply(self) -> bool:
        if not self.idle or self.step is None or self.list_open:  # only what stands on the panel is carried out
            return False
        waits = self.status is Status.WAITING and not self.visit.waiting_for(self.step)
        return waits or self.status in _APPLIES

    @property
    def can_retry(self) -> bool:
        return self.idle and self.status is Status.FAILED and not self.list_open

    @property
    def can_undo(self) -> bool:
        return self.idle and self.step is not None and self.visit.can_undo(self.step)

    @property
    def can_phase(self) -> bool:
        """Something can be done in this phase: not all of what is open there waits for steps elsewhere."""
        return self.idle and any(map(self.visit.can_begin, self.board.steps(self.phase)))

    @property
    def can_mend(self) -> bool:
        """Causes were named, and steps of the checklist mend them."""
        return self.idle and self.step is not None and bool(self.visit.mending(self.step))

    @property
    def can_probe(self) -> bool:
        """The step does not hold, and it is known what to ask then."""
        return self.can_waive and self.step is not None and bool(self.step.troubleshoot)

    def action_apply(self) -> None:
        step = self.step
        if step is None:
            return
        if before := self.visit.waiting_for(step):
            self.notify(f"It waits for {self.board.step(before).title}; n goes there.", markup=False)
            return
        offered, changes = self.offered  # a plan that does not stand on the panel is asked about
        deed = partial(self.visit.bring, step, changes if offered == step.id else ())
        self.do(step.title, deed, partial(self._after, step.id))

    action_retry = action_apply

    def _after(self, step: str) -> None:
        """What was applied holds: on to the next one, unless the operator has gone elsewhere meanwhile."""
        here = self.step
        status = self.board.status(step)
        if here is not None and here.id == step and status is not None and status.settled:
            self.action_next()

    def action_phase(self) -> None:
        phase = self.phase
        title = f"{phase} {self.board.phase(phase).title}"
        self.do(title, partial(self.visit.to_end_of_phase, phase, self.mark), self._after_phase)

    def _after_phase(self) -> None:
        if self.status is not None and self.status.settled:
            self.action_next()

    def action_verify(self) -> None:
        if (step := self.step) is not None:
            self.do(f"looking at {step.title}", partial(self.visit.verify, step))

    def action_verify_all(self) -> None:
        self.do(f"looking at {len(self.board.checklist.steps)} steps", partial(self.visit.verify, None))

    def action_undo(self) -> None:
        if (step := self.step) is not None:
            self.run_worker(self._undo(step), group="asking")

    async def _undo(self, step: Step) -> None:
        from iris_migrate.tui.widgets.dialogs import ConfirmDialog, ProblemDialog

        try:
            changes = self.visit.undoing(step)
        except CannotUndo as reason:
            await self.show(ProblemDialog("Nothing to undo", clean(str(reason))))
            return
        rows = [*plan_rows(changes, full=True)] or [Row("", "Nothing has to be done for it.")]
        risk = RISKS[step.risk] if step.risk in ("interrupts", "destroys") else "what works now may stop working"
        if await self.show(ConfirmDialog(f"Undo: {step.title}?", rows, risk, agree="Put back")):
            self.do(f"{step.title} put back", partial(self.visit.undo, step, changes))

    # Why it does not hold

    def action_probe(self) -> None:
        if (step := self.step) is not None:
            self.do(f"asking why {step.title} does not hold", partial(self.visit.probe, step))

    def action_mend(self) -> None:
        if (step := self.step) is not None:
            self.run_worker(self._mend(step), group="asking")

    async def _mend(self, step: Step) -> None:
        """The remedies as a plan, step by step; then the step itself. What has a risk asks once more."""
        from iris_migrate.tui.widgets.dialogs import ConfirmDialog

        plan = self.visit.mending(step)
        worst = max((one.risk for one, _ in plan), key=_HARM.index)
        rows = list(remedy_rows(self.board, self.visit.diagnoses[step.id], plan))
        title, risk = f"Mend: {step.title}?", "" if worst == "none" else RISKS[worst]
        if await self.show(ConfirmDialog(title, rows, risk, agree="Mend")):
            self.do(f"mending {step.title}", partial(self.visit.mend, step, plan), partial(self._after, step.id))
