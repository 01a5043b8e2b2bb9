"""The loop of one step: look, plan, ask, carry out, look again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from iris_migrate.changes import Change, HostFile, LocalEdit, OperatorAsk
from iris_migrate.engine.consent import Choice, Decision, Failure, inside
from iris_migrate.engine.events import PlanShown, Status, Waiting
from iris_migrate.engine.executor import Outcome
from iris_migrate.engine.inspection import Inspected, SecretNotHere
from iris_migrate.engine.secrets import SecretMissing
from iris_migrate.exits import connection_missing
from iris_migrate.findings import Verdict
from iris_migrate.language.checklist import Step
from iris_migrate.resources.base import CannotUndo
from iris_migrate.target import Unreadable

if TYPE_CHECKING:
    from iris_migrate.engine.diagnosis import Diagnosis
    from iris_migrate.engine.run import Run

FRESH = 2.0  # seconds for which a finding counts as "directly before executing"


class StepLoop:
    """Inspect, plan, consent, execute, look again, for one step."""

    def __init__(self, run: Run, step: Step) -> None:
        self.run, self.step = run, step
        self.started = run.clock.now()
        self.agreed: tuple[Change, ...] = ()
        self.journal_from: float | None = None
        self.stuck = 0  # times a plan was carried out and came back unchanged

    async def go(self) -> Failure | None:
        """Until the step is settled (None) or has failed. Statuses are told on the way."""
        run, step = self.run, self.step
        if run.clock.now() - run.inspection.found[step.id].at > FRESH:
            await run.look({step.id})
        while True:
            found = run.inspection.found[step.id]
            status = run.statuses[step.id]
            if status.settled:
                return None
            if found.finding.verdict.plans:
                changes = found.plan()
                if changes:
                    done, failure = await self._apply(found, changes)
                    if done:
                        return failure
                    continue
            if isinstance(found.error, SecretNotHere):
                await self._secret(found.error.name, str(found.error))
                await run.look({step.id})
                continue
            if found.finding.lasting or (found.error is not None and found.error.lasting):
                return await self._failure(found, found.finding.reason)
            if self._later(found):
                return None
            if run.clock.now() - self.started >= step.timeout:
                return await self._failure(found, self._too_late(found))
            await self._wait(found)

    def _later(self, found: Inspected) -> bool:
        """Whether it comes to rest by itself, but only after the time that this step is waited for: a soak of a day."""
        until = found.finding.until
        return (
            found.finding.verdict is Verdict.CONVERGING and until is not None
            and until > max(self.started + self.step.timeout, self.run.clock.now())
        )  # fmt: skip

    async def _apply(self, found: Inspected, changes: tuple[Change, ...]) -> tuple[bool, Failure | None]:
        """Carry a plan out as far as it is consented to. True: the loop is over."""
        run, step = self.run, self.step
        if all(isinstance(change, OperatorAsk) for change in changes):
            return await self._ask(found, changes)
        if not inside(changes, self.agreed):
            again = "the plan has changed since it was shown" if self.agreed else ""
            run.emit(PlanShown(run.clock.now(), step.id, changes, again))
            decision = await run.operator.consent(step, found.finding, changes, again)
            if decision.choice is not Choice.APPLY:
                run.decide(step, decision, Status.READY)
                return True, None
            self.agreed, self.started = (
                changes,
                run.clock.now(),
            )  # whoever thinks about it takes none of the step's time
            if run.clock.now() - found.at > FRESH:
                await run.look({step.id})
                return False, None
        run.tell(step, Status.RUNNING)
        outcome = await self._execute(found, changes)
        await run.look(run.inspection.dependents(step.id))
        after = run.inspection.found[step.id]
        if not outcome.error and after.plan() == changes:
            await self._wait(after)  # a reload is begun, not done, when its command returns
            after = run.inspection.found[step.id]
        why = "" if after.finding.holds else outcome.error or self._no_progress(changes, after.plan())
        if not why:
            return False, None
        if step.on_failure == "undo":
            return True, await self._put_back(after, outcome, why)
        return True, await self._failure(after, why, outcome)

    def _no_progress(self, changes: tuple[Change, ...], again: tuple[Change, ...]) -> str:
        """Why it is no use to go on with what would be done next; "" when it is."""
        self.stuck = self.stuck + 1 if again == changes else 0
        if self.stuck >= 2:
            return "it was carried out twice and nothing has changed"
        # An experiment, and its result is there: nothing else would be done, only the note stands there that it left.
        if not inside(again, changes) and inside(_deeds(again), _deeds(changes)):
            return "it was carried out, and what came of it is not what should be"
        return ""

    async def _execute(self, found: Inspected, changes: tuple[Change, ...]) -> Outcome:
        run = self.run
        run.current = False
        try:
            await run.lease.take(run.operator)
        except Unreadable as error:  # a full disk, a lost host: this step's failure, and its choices
            return Outcome((), changes[0], str(error), missing=connection_missing(error))
        self.journal_from = await run.journal.mark(self.step)
        while True:
            try:
                key = found.resource.key
                already = run.cut_off(self.step)
                return await run.executor.execute(run.number, key, changes, found.finding, already)
            except SecretMissing as missing:
                await self._secret(missing.name, str(missing))

    async def _secret(self, name: str, where: str) -> None:
        """Ask for a secret; without it the run stops here."""
        value = await self.run.operator.secret(name, where)
        if value is None:
            self.run.decide(self.step, Decision(Choice.STOP), Status.NEEDS_OPERATOR, where)
        self.run.secrets.set(name, value or "")

    async def _ask(self, found: Inspected, changes: tuple[Change, ...]) -> tuple[bool, Failure | None]:
        """A step that only the operator can bring to hold: ask, or wait until the world shows that it was done."""
        run, step = self.run, self.step
        ask = changes[0]
        assert isinstance(ask, OperatorAsk)
        run.tell(step, Status.NEEDS_OPERATOR, str(ask.question))
        said = await run.operator.answer(step, ask)
        if isinstance(said, Decision):
            run.decide(step, said, Status.NEEDS_OPERATOR, str(ask.question))
            return True, None
        if said is not None:
            run.record.add_answer(run.clock.now(), step.id, *said)
            run.current = False
        elif run.clock.now() - self.started >= min(step.timeout, run.operator.patience):
            run.decide(step, Decision(Choice.STOP), Status.NEEDS_OPERATOR, str(ask.question))
            return True, None
        else:
            await self._wait(found)
        await run.look({step.id})
        return False, None

    async def _wait(self, found: Inspected) -> None:
        run, step = self.run, self.step
        left = max(0.0, self.started + step.timeout - run.clock.now())
        run.emit(Waiting(run.clock.now(), step.id, found.finding.reason or step.title, left))
        await run.pause(min(step.retry_every, max(left, 0.05)))
        run.current = False
        await run.look({step.id})

    async def _put_back(self, after: Inspected, outcome: Outcome, why: str) -> Failure:
        """Put back what was there before; the failure says how that went."""
        try:
            undone = await self.run.undo(self.step)
            hindrance, put_back = undone.error, undone.failed is None
        except CannotUndo as reason:
            hindrance, put_back = str(reason), False
        told = "failed, put back" if put_back else f"failed, and not put back ({hindrance})"
        failure = await self._failure(after, f"{told}: {why}", outcome)
        return replace(failure, put_back=put_back)

    async def _failure(self, found: Inspected, why: str, outcome: Outcome | None = None) -> Failure:
        run = self.run
        wrong = tuple(item for item in found.finding.evidence if item.verdict is not Verdict.HOLDS)
        journal = await run.journal.since(self.step, self.journal_from)
        change, lines = (outcome.failed, outcome.lines) if outcome else (None, ())
        missing = outcome.missing if outcome else connection_missing(found.error)
        diagnosis = await self._diagnosis(change, lines, why)
        return Failure(self.step, why, wrong, change, lines, journal, missing=missing, diagnosis=diagnosis)

    async def _diagnosis(self, change: Change | None, lines: tuple[str, ...], why: str) -> Diagnosis | None:
        """The causes that facts name now. Never fails: a failure without them has enough to tell."""
        if self.run.diagnostician is None:
            return None
        from iris_migrate.engine.diagnosis import Wrote

        try:
            return await self.run.diagnostician().of([self.step.id], Wrote(change, lines, why))
        except Unreadable:
            return None

    def _too_late(self, found: Inspected) -> str:
        waited = f"after {self.step.timeout:.0f} s"
        return f"{found.finding.reason or found.finding.verdict.value} {waited}"


def _deeds(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """What is done, whatever stood there before."""
    return tuple(
        replace(change, was=None) if isinstance(change, HostFile | LocalEdit) else change for change in changes
    )
