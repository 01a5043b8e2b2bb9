"""Where a migration stands by its record alone: nothing is connected to, nothing is looked at."""

from __future__ import annotations

from pathlib import Path

from iris_migrate.engine.events import Status
from iris_migrate.engine.record import Record, RecordError
from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.findings import Finding, Verdict
from iris_migrate.language.checklist import Checklist, Step

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
    steps = tuple(_step(step, checklist.name, record, told.get(step.id), now) for step in checklist.steps)
    phases = {phase.id: phase.title for phase in checklist.phases}
    return CheckResult(checklist.name, checklist.title, checklist.digest, now, steps, phases)


def _step(step: Step, checklist: str, record: Record, told: tuple[str, str] | None, now: float) -> StepResult:
    last = record.last_finding(checklist, step.id)
    found = last[1] if last else None
    status, detail = _status(step, found, record, told, now)
    evidence = found.evidence if found else ()
    return StepResult(step.id, step.phase, step.title, status, detail, evidence, 0.0, step.critical)


def _status(
    step: Step, found: Finding | None, record: Record, told: tuple[str, str] | None, now: float
) -> tuple[Status, str]:
    """What was found last decides; what the last run told explains a step that did not hold then."""
    if step.left_out:
        return Status.LEFT_OUT, step.left_out
    if found is not None and found.holds:
        answer = record.answer(step.id)
        return (Status.CONFIRMED, f"by {answer[1]}") if answer else (Status.HOLDS, "")
    waiver = record.waiver(step.id)
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
