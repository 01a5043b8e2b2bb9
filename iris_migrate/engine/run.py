"""A run: step after step is looked at, planned, consented to, carried out and looked at again, until all holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from iris_migrate.changes import Change, OperatorAsk
from iris_migrate.engine.consent import Choice, Decision, Failure, Operator, inside
from iris_migrate.engine.events import Listener, Status, StepStatus
from iris_migrate.engine.executor import Executor, Outcome
from iris_migrate.engine.inspection import Inspected, Inspection
from iris_migrate.engine.journal import JournalSlice
from iris_migrate.engine.lease import Lease
from iris_migrate.engine.record import Intent, Record, Result
from iris_migrate.engine.secrets import Secrets
from iris_migrate.engine.step_loop import StepLoop
from iris_migrate.findings import Finding, Verdict
from iris_migrate.language.checklist import Checklist, Step
from iris_migrate.resources.base import CannotUndo
from iris_migrate.target import Clock, Unreadable

if TYPE_CHECKING:
    from iris_migrate.engine.diagnosis import Diagnostician

RECENT = 3600.0  # seconds for which what a run had done when it was cut off is taken as still so


class Stopped(Exception):
    """The operator, or what stands for them, ended the run."""


@dataclass
class Run:
    """One pass over a checklist. Statuses are told as events and kept in the record.

    A frontend that drives it step by step holds `lock` while it works, so that one thing is done at a time;
    `ending` asks it to stop where it only waits.
    """

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
    diagnostician: Callable[[], Diagnostician] | None = None  # names the causes of a failure
    statuses: dict[str, Status] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    continued: set[str] = field(default_factory=set)
    current: bool = False  # nothing was done or waited for since everything was looked at
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(self) -> None:
        """Settle what an earlier program left open, and look at everything."""
        await self._settle_interrupted()
        await self.look()

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
        settled = self._settled()
        if not self.current:
            await self.look()
        for step in wanted:  # what a later step has set in motion again, or what this one look could not tell
            if step.id in settled and not self.statuses[step.id].settled:
                await self.bring(step)
        if not self.current:
            await self.look()

    def _settled(self) -> set[str]:
        return {name for name, status in self.statuses.items() if status.settled}

    async def look(self, steps: set[str] | None = None) -> None:
        """Inspect, keep the findings, and tell the status of each step that is not being worked on."""
        await self.inspection.look(steps)
        self.current = self.current or steps is None
        looked_at = [step for step in self.checklist.steps if steps is None or step.id in steps]
        with self.record.together():
            for step in looked_at:
                self._keep(self.inspection.found[step.id])
            for step in looked_at:
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
            now, name = self.clock.now(), self.checklist.name
            self.record.waive(now, name, step.id, decision.reason, self.lease.holder, decision.until)
            return self.tell(step, Status.WAIVED, decision.reason)
        told = self.tell(step, status, detail)
        if decision.choice is Choice.STOP:
            raise Stopped(step.id)
        return told

    def undoing(self, step: Step) -> tuple[Change, ...]:
        """What would put back what was before the step was last changed, as far as is known now. Raises CannotUndo."""
        done = self.record.newest_changes(self.checklist.name, step.id)
        if not done:
            raise CannotUndo(f"{step.title}: nothing was changed by this step, so there is nothing to put back.")
        found = self.inspection.found[step.id]
        return tuple(found.resource.undo(self._before(done), found.finding))

    async def undo(self, step: Step, agreed: Sequence[Change] | None = None) -> Outcome:
        """Put back what was before the step was last brought to hold. Raises CannotUndo.

        `agreed`: what was shown and consented to; anything else is refused.
        """
        await self.look({step.id})  # what it stands on may have been put back since it was looked at
        changes = self.undoing(step)
        if agreed is not None and not inside(changes, agreed):
            raise CannotUndo(f"{step.title}: what would be put back has changed since it was shown. Look at it again.")
        found = self.inspection.found[step.id]
        await self.lease.take(self.operator)
        self.current = False
        outcome = await self.executor.execute(self.number, found.resource.key, changes, found.finding)
        await self.look(self.inspection.dependents(step.id))
        return outcome

    async def pause(self, seconds: float) -> None:
        """Wait, or stop at once when that is asked for. Raises Stopped."""
        both = {asyncio.ensure_future(self.clock.sleep(seconds)), asyncio.ensure_future(self.ending.wait())}
        try:
            if not self.ending.is_set():
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()
        if self.ending.is_set():
            raise Stopped

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
        await self.lease.take(self.operator)  # they may belong to a run that is still at work
        await self.inspection.locate({intent.step for intent in intents})
        for intent in intents:
            self.emit(StepStatus(self.clock.now(), intent.step, Status.INTERRUPTED, intent.change.says))
            try:
                await self.executor.settle(intent)
            except Unreadable as reason:  # it stays open: the next run asks again
                self.emit(StepStatus(self.clock.now(), intent.step, Status.INTERRUPTED, str(reason)))

    def cut_off(self, step: Step) -> dict[str, Result]:
        """What an earlier run that was cut off had carried out for a step; asked once, since it is then looked at."""
        if step.id in self.continued:
            return {}
        self.continued.add(step.id)
        return self.record.cut_off(self.checklist.name, step.id, self.clock.now() - RECENT)

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
        status, detail = status_of(self.inspection.found[step.id], self.checklist.name, self.record, self.clock.now())
        if status is Status.READY and self._blocked_by(step):
            status, detail = Status.WAITING, f"for {self._blocked_by(step)}"
        self.tell(step, status, detail)

    def tell(self, step: Step, status: Status, detail: str = "") -> Status:
        if self.statuses.get(step.id) != status or self.details.get(step.id) != detail:
            self.statuses[step.id], self.details[step.id] = status, detail
            self.record.add_status(self.clock.now(), self.number, step.id, status.value, detail)
            self.emit(StepStatus(self.clock.now(), step.id, status, detail))
        return status


def status_of(inspected: Inspected, checklist: str, record: Record | None, now: float) -> tuple[Status, str]:
    """The status that follows from a finding alone, with a waiver and the operator's answer where there is one."""
    step, finding = inspected.step, inspected.finding
    if step.left_out:
        return Status.LEFT_OUT, step.left_out
    waiver = record.waiver(checklist, step.id) if record else None
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
    return Status.READY, finding.reason or ("" if waiver is None else f"the waiver has run out: {waiver.reason}")
