"""What the record says: where a migration stands without looking, and what held before a look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from iris_migrate.engine.events import Status
from iris_migrate.engine.foundations import changed_since, outdated
from iris_migrate.engine.record import Record, RecordError
from iris_migrate.engine.results import CheckResult, Held, StepResult
from iris_migrate.findings import Finding, Verdict
from iris_migrate.language.checklist import Checklist, Step

if TYPE_CHECKING:
    from iris_migrate.engine.diagnosis import Diagnosis

_BY_VERDICT = {
    Verdict.HOLDS: Status.HOLDS, Verdict.WARNS: Status.WARNS, Verdict.CONVERGING: Status.CONVERGING,
    Verdict.UNKNOWN: Status.UNKNOWN, Verdict.DIFFERS: Status.READY, Verdict.ABSENT: Status.READY,
}  # fmt: skip


def record_of(folder: Path, app: str) -> Record | None:
    """The newest record of this application in a state folder; None when there is none."""
    for path in sorted((folder / "migrations").glob("*.sqlite"), key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            record = Record(path)
        except RecordError:
            continue  # of another version: `migrate` says so
        if record.fact("app") == app:
            return record
        record.close()
    return None


def recorded(checklist: Checklist, record: Record, now: float) -> CheckResult:
    """The result as the record knows it; a step that was never looked at is unknown."""
    run = record.last_run(checklist.name)
    told = record.statuses(run[0]) if run is not None else {}
    steps = tuple(_step(step, checklist, record, told.get(step.id), now) for step in checklist.steps)
    phases = {phase.id: phase.title for phase in checklist.phases}
    return CheckResult(checklist.name, checklist.title, checklist.digest, now, steps, phases)


def held_before(checklist: Checklist, record: Record, name: str, at: float | None = None) -> dict[str, Held]:
    """When each step was last seen to hold; with `at`, only what held at that time. `name`: as findings are kept."""
    found: dict[str, Held] = {}
    for step in checklist.steps:
        seen = record.last_held(name, step.id) if at is None else record.finding_at(name, step.id, at)
        if seen is not None and seen[1].holds:
            found[step.id] = Held(seen[0], seen[1].evidence)
    return found


def with_history(
    result: CheckResult, checklist: Checklist, record: Record, held: Mapping[str, Held],
    diagnosis: Diagnosis | None = None,
) -> CheckResult:  # fmt: skip
    """A look beside what was known before it: when steps held, waivers, what is stale, and where to look."""
    steps = (_beside(checklist.step(told.id), told, checklist, record, held, diagnosis) for told in result.steps)
    return replace(result, steps=tuple(steps))


def _beside(
    step: Step, told: StepResult, checklist: Checklist, record: Record, held: Mapping[str, Held],
    diagnosis: Diagnosis | None,
) -> StepResult:  # fmt: skip
    if told.status is Status.NEEDS_OPERATOR and (since := outdated(step, checklist, record)):
        told = replace(told, status=Status.STALE, detail=f"it was confirmed, but {since}")
    told = replace(told, held=held.get(step.id), waiver=record.waiver(checklist.name, step.id))
    if told.status.settled or diagnosis is None:
        return told
    return replace(told, hints=_hints(step, diagnosis))


def _hints(step: Step, diagnosis: Diagnosis) -> tuple[str, ...]:
    """The causes that facts name; where there are none, what would be looked at."""
    if named := diagnosis.of(step.id):
        return tuple(f"Cause: {cause.says} Next: {cause.remedy.says}" for cause in named)
    known = [symptom for symptom in diagnosis.symptoms if symptom.id in step.troubleshoot]
    return tuple(f"To see {look.shows}: {look.command}" for symptom in known for look in symptom.look[:1])


def _step(step: Step, checklist: Checklist, record: Record, told: tuple[str, str] | None, now: float) -> StepResult:
    last = record.last_finding(checklist.name, step.id)
    found = last[1] if last else None
    status, detail = _status(step, checklist, found, record, told, now)
    if last and status.settled and found and found.holds and (since := changed_since(step, checklist, record, last[0])):
        status, detail = Status.STALE, f"it held, but {since}; look again"
    evidence = found.evidence if found else ()
    return StepResult(
        step.id,
        step.phase,
        step.title,
        status,
        detail,
        evidence,
        0.0,
        step.critical,
        waiver=record.waiver(checklist.name, step.id),
    )


def _status(
    step: Step, checklist: Checklist, found: Finding | None, record: Record, told: tuple[str, str] | None, now: float
) -> tuple[Status, str]:
    """What was found last decides; what the last run told explains a step that did not hold then."""
    if step.left_out:
        return Status.LEFT_OUT, step.left_out
    if found is not None and found.holds:
        answer = record.answer(step.id)
        return (Status.CONFIRMED, f"by {answer[1]}") if answer else (Status.HOLDS, "")
    waiver = record.waiver(checklist.name, step.id)
    if waiver is not None and (waiver.until is None or waiver.until > now):
        return Status.WAIVED, waiver.reason
    if found is None:
        return Status.UNKNOWN, "not looked at yet"
    status = _BY_VERDICT[found.verdict]
    if status.settled or told is None:
        return status, found.reason
    before = Status(told[0])
    if before.settled:
        return Status.STALE, found.reason or "it held during the last run"
    return (Status.INTERRUPTED, told[1]) if before is Status.RUNNING else (before, told[1])
