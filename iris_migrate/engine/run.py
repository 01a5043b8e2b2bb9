"""A run: step after step is looked at, planned, consented to, carried out and looked at again, until all holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from iris_migrate.changes import OperatorAsk
from iris_migrate.engine.consent import Choice, Decision, Failure, Operator
from iris_migrate.engine.events import Listener, Status, StepStatus
from iris_migrate.engine.executor import Executor, Outcome
from iris_migrate.engine.inspection import Inspected, Inspection
from iris_migrate.engine.journal import JournalSlice
from iris_migrate.engine.lease import Lease
from iris_migrate.engine.record import Intent, Record
from iris_migrate.engine.secrets import Secrets
from iris_migrate.engine.step_loop import StepLoop
from iris_migrate.findings import Finding, Verdict
from iris_migrate.language.checklist import Checklist, Step
from iris_migrate.resources.base import CannotUndo
from iris_migrate.target import Clock, Unreadable


class Stopped(Exception):
    """The operator, or what stands for them, ended the run."""


@dataclass
class Run:
    """One pass over a checklist. Statuses are told as events and kept in the record."""

    number: int
    checklist: Checklist
    inspection: Inspection
    executor: Executor
    record: Record
    lease: Lease
    secrets: Secrets
    journal: JournalSlice
    operator: Operator
    clock: Clock
    emit: Listener
    statuses: dict[str, Status] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    current: bool = False  # nothing was done or waited for since everything was looked at

    async def all(self, only: Sequence[str] | None = None) -> None:
        """Bring every step (or these) to hold, phase by phase. Raises Stopped."""
        await self._settle_interrupted()
        wanted = [step for step in self.checklist.steps if only is None or step.id in only]
        while True:
            settled = self._settled()
            for phase in self.checklist.phases:
                steps = [step for step in wanted if step.phase == phase.id]
                if steps and not self.current:
                    await self.look()
                for step in steps:
                    await self.bring(step)
            waits = any(self.statuses[step.id] is Status.WAITING for step in wanted)
            if not waits or self._settled() == settled:  # a step may name one that stands further down
                break
        if not self.current:
            await self.look()

    def _settled(self) -> set[str]:
        return {name for name, status in self.statuses.items() if status.settled}

    async def look(self, steps: set[str] | None = None) -> None:
        """Inspect, keep the findings, and tell the status of each step that is not being worked on."""
        await self.inspection.look(steps)
        self.current = self.current or steps is None
        with self.record.together():
            for step in self.checklist.steps:
                if steps is None or step.id in steps:
                    self._keep(self.inspection.found[step.id])
        for step in self.checklist.steps:
            if steps is None or step.id in steps:
                self._tell_found(step)

    async def bring(self, step: Step) -> Status:
        """Bring one step to hold, or say why it does not."""
        if self.statuses.get(step.id) in (Status.HOLDS, Status.LEFT_OUT, Status.WAIVED, Status.WARNS):
            return self.statuses[step.id]
        if blocked := self._blocked_by(step):
            return self.tell(step, Status.WAITING, f"for {blocked}")
        while True:
            failure = await StepLoop(self, step).go()
            if failure is None:
                return self.statuses[step.id]
            self.tell(step, Status.FAILED, failure.why)
            decision = await self._after(failure)
            if decision.choice not in (Choice.RETRY, Choice.UNDO):
                return self.decide(step, decision, Status.FAILED, failure.why)

    async def _after(self, failure: Failure) -> Decision:
        """What to do after a failure. What is to be put back and cannot is said, and asked again."""
        while True:
            decision = await self.operator.failed(failure)
            if decision.choice is not Choice.UNDO:
                return decision
            try:
                await self.undo(failure.step)
                return decision
            except CannotUndo as reason:
                failure = replace(failure, why=str(reason))
                self.tell(failure.step, Status.FAILED, failure.why)

    def decide(self, step: Step, decision: Decision, status: Status, detail: str = "") -> Status:
        """Carry out a decision that is not to go on with this step."""
        if decision.choice is Choice.WAIVE:
            self.record.waive(self.clock.now(), step.id, decision.reason, self.lease.holder, decision.until)
            return self.tell(step, Status.WAIVED, decision.reason)
        told = self.tell(step, status, detail)
        if decision.choice is Choice.STOP:
            raise Stopped(step.id)
        return told

    async def undo(self, step: Step) -> Outcome:
        """Put back what was before the step's first change in this generation. Raises CannotUndo."""
        done = self.record.done(step.id)
        if not done:
            raise CannotUndo(f"{step.title}: nothing was changed by this step, so there is nothing to put back.")
        await self.look({step.id})
        found = self.inspection.found[step.id]
        changes = found.resource.undo(self._before(done), found.finding)
        await self.lease.take(self.operator)
        self.current = False
        outcome = await self.executor.execute(self.number, found.resource.key, changes, found.finding)
        await self.look(self.inspection.dependents(step.id))
        return outcome

    def _before(self, done: list[Intent]) -> Finding:
        """The finding before the first change. `kept` among its facts names that change when it set a file aside."""
        first = done[0]
        result = self.record.result(first.change_id)
        if result is None or result.kept != "host":
            return first.before
        return replace(first.before, facts={**first.before.facts, "kept": first.change_id})

    async def _settle_interrupted(self) -> None:
        """Find out what became of changes that an earlier program was about to send when it ended."""
        intents = self.record.open_intents()
        if not intents:
            return
        await self.inspection.look()
        for intent in intents:
            self.emit(StepStatus(self.clock.now(), intent.step, Status.INTERRUPTED, intent.change.says))
            try:
                await self.executor.settle(intent)
            except Unreadable as reason:  # it stays open: the next run asks again
                self.emit(StepStatus(self.clock.now(), intent.step, Status.INTERRUPTED, str(reason)))

    def _blocked_by(self, step: Step) -> str:
        for name in step.waits_for:
            before = self.checklist.step(name)
            status = self.statuses.get(name)
            if before.critical and (status is None or not status.settled):
                return name
        return ""

    def _keep(self, inspected: Inspected) -> None:
        if inspected.step.left_out:
            return
        step, finding = inspected.step, inspected.finding
        self.record.note_gone(inspected.at, step.id, self.checklist.name, finding)
        self.record.add_finding(inspected.at, self.number, self.checklist.name, step.id, finding, inspected.seconds)

    def _tell_found(self, step: Step) -> None:
        status, detail = status_of(self.inspection.found[step.id], self.record, self.clock.now())
        if status is Status.READY and self._blocked_by(step):
            status, detail = Status.WAITING, f"for {self._blocked_by(step)}"
        self.tell(step, status, detail)

    def tell(self, step: Step, status: Status, detail: str = "") -> Status:
        if self.statuses.get(step.id) != status or self.details.get(step.id) != detail:
            self.statuses[step.id], self.details[step.id] = status, detail
            self.record.add_status(self.clock.now(), self.number, step.id, status.value, detail)
            self.emit(StepStatus(self.clock.now(), step.id, status, detail))
        return status


def status_of(inspected: Inspected, record: Record | None, now: float) -> tuple[Status, str]:
    """The status that follows from a finding alone, with a waiver and the operator's answer where there is one."""
    step, finding = inspected.step, inspected.finding
    if step.left_out:
        return Status.LEFT_OUT, step.left_out
    waiver = record.waiver(step.id) if record else None
    if waiver is not None and not finding.holds and (waiver.until is None or waiver.until > now):
        return Status.WAIVED, waiver.reason
    match finding.verdict:
        case Verdict.HOLDS:
            said = record.answer(step.id) if record else None
            return (Status.CONFIRMED, f"by {said[1]}") if said else (Status.HOLDS, "")
        case Verdict.WARNS:
            return Status.WARNS, finding.reason
        case Verdict.CONVERGING:
            return Status.CONVERGING, finding.reason
        case Verdict.UNKNOWN:
            return (Status.WAITING if finding.waits_for else Status.UNKNOWN), finding.reason
    for change in inspected.plan()[:1]:
        if isinstance(change, OperatorAsk):
            return Status.NEEDS_OPERATOR, str(change.question)
    return Status.READY, finding.reason
