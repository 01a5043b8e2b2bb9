"""A result as lines for people: phases, steps with symbol and word, and what explains those that do not hold."""

from __future__ import annotations

import time
from collections.abc import Iterator

from iris_migrate.engine.events import Status
from iris_migrate.engine.explanation import cause_lines
from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.symbols import SYMBOLS

_EXPLAINED = (Status.READY, Status.FAILED, Status.UNKNOWN, Status.WARNS, Status.STALE)


def lines_of(result: CheckResult) -> list[str]:
    """The whole result: what was lost first, then everything phase by phase."""
    lines = [f"{result.host}:", ""] if result.host else []
    lines += lost_lines(result)
    for phase in result.phases:
        lines += [phase_line(result, phase)]
        for step in (step for step in result.steps if step.phase == phase):
            lines += step_lines(step)
            named = result.diagnosis.of(step.id) if result.diagnosis else ()
            lines += [line for cause in named for line in cause_lines(cause, "      ")]
            lines += [] if named else [f"      {hint}" for hint in step.hints]
    return [*lines, *waiver_lines(result), "", summary_line(result)]


def lost_lines(result: CheckResult) -> list[str]:
    """The steps that held and do not any more, each with what was seen then and what is seen now."""
    lines = [line for step in result.lost for line in regression(step)]
    if not lines:
        return [f"Nothing was lost since {result.compared}.", ""] if result.compared else []
    head = f"Held {result.compared}" if result.compared else "Held before"
    return [f"{head}, does not hold now:", *lines, ""]


def regression(step: StepResult) -> Iterator[str]:
    """One step that was lost: when it held, and both evidences."""
    if step.held is None:
        return
    yield f"  {SYMBOLS[step.status]} {step.id}  held {when(step.held.at)}, does not hold now"
    for item in step.wrong:
        then = step.held.before(item.asked)
        yield f"      {item.asked}: expected {item.expected}, seen {item.seen}" + (f"; then {then}" if then else "")
    if not step.wrong and step.detail:
        yield f"      {step.detail}"


def waiver_lines(result: CheckResult) -> list[str]:
    """Every waiver: of what, why, by whom, until when."""
    lines = []
    for step in result.steps:
        if step.waiver is not None:
            needed = "" if step.status is not Status.HOLDS else "; the step holds without it"
            lines.append(f"  {step.id}: {waiver_words(step, result.at)}{needed}")
    return ["", "Waivers", *lines] if lines else []


def waiver_words(step: StepResult, now: float) -> str:
    """A waiver's reason, who gave it, and until when it counts."""
    waiver = step.waiver
    if waiver is None:
        return ""
    until = "without an end" if waiver.until is None else f"until {when(waiver.until)}"
    if not step.waived(now):
        until = f"RAN OUT {when(waiver.until or 0)}"
    return f"waived: {waiver.reason} ({waiver.who}, {until})"


def phase_line(result: CheckResult, phase: str) -> str:
    steps = [step for step in result.steps if step.phase == phase]
    settled = sum(step.status.settled for step in steps)
    return f"{_sign(steps)} {phase} {result.phases[phase]}  {settled} of {len(steps)}"


def step_lines(step: StepResult) -> list[str]:
    """A step with what explains its state."""
    word = "does not hold" if step.status is Status.READY else step.status.value
    detail = f": {step.detail}" if step.detail else ""
    lines = [f"  {SYMBOLS[step.status]} {step.id}  {word}{detail}"]
    if step.status in _EXPLAINED:
        lines += [f"      {item.asked}: expected {item.expected}, seen {item.seen}" for item in step.wrong]
    return lines


def summary_line(result: CheckResult) -> str:
    """How many of how many hold, and how many stand elsewhere."""
    settled = sum(step.status.settled for step in result.steps)
    counts = ", ".join(f"{count} {name}" for name, count in sorted(result.summary.items()))
    return f"{settled} of {len(result.steps)} settled: {counts}"


def when(at: float) -> str:
    """A time as people at this machine write it."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def ago(seconds: float) -> str:
    """A duration until now, in its largest unit."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(0.0, seconds):.0f} s ago"


def _sign(steps: list[StepResult]) -> str:
    if all(step.status.settled for step in steps):
        return SYMBOLS[Status.HOLDS]
    if any(step.status is Status.FAILED for step in steps):
        return SYMBOLS[Status.FAILED]
    return SYMBOLS[Status.RUNNING] if any(step.status.settled for step in steps) else SYMBOLS[Status.READY]
