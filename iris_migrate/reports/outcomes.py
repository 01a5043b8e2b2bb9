"""How a step counts for programs that know only: passed, failed, could not be told, left aside."""

from __future__ import annotations

from enum import StrEnum

from iris_migrate.engine.events import Status
from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.reports.text import waiver_words, when


class Outcome(StrEnum):
    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    OPEN = "open"  # waits: for a person, or on its way by itself
    UNTOLD = "untold"
    ASIDE = "aside"  # waived, or left out by a rule


_OUTCOMES = {
    Status.HOLDS: Outcome.PASSED, Status.CONFIRMED: Outcome.PASSED, Status.WARNS: Outcome.WARNED,
    Status.WAIVED: Outcome.ASIDE, Status.LEFT_OUT: Outcome.ASIDE, Status.UNKNOWN: Outcome.UNTOLD,
    Status.WAITING: Outcome.UNTOLD, Status.NEEDS_OPERATOR: Outcome.OPEN, Status.CONVERGING: Outcome.OPEN,
}  # fmt: skip


def outcome(step: StepResult) -> Outcome:
    """What does not hold has failed, also what is stale or was interrupted."""
    return _OUTCOMES.get(step.status, Outcome.FAILED)


def says(step: StepResult, result: CheckResult) -> str:
    """Why a step counts so, in one line."""
    parts = [waiver_words(step, result.at) or step.detail]
    if step.lost and step.held is not None:
        parts.append(f"held {when(step.held.at)}")
    parts += [f"{item.asked}: expected {item.expected}, seen {item.seen}" for item in step.wrong]
    if step.waiver is not None and step.detail and step.detail != step.waiver.reason:
        parts.append(step.detail)
    return " ".join("; ".join(part for part in parts if part).split())
