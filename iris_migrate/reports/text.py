"""A result as lines for people: phases, steps with symbol and word, and what explains those that do not hold."""

from __future__ import annotations

import time
from collections.abc import Mapping

from iris_migrate.engine.events import Status
from iris_migrate.engine.explanation import cause_lines
from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.findings import Verdict
from iris_migrate.symbols import SYMBOLS

_EXPLAINED = (Status.READY, Status.FAILED, Status.UNKNOWN, Status.WARNS, Status.STALE)


def lines_of(result: CheckResult, held: Mapping[str, float]) -> list[str]:
    """The whole result. `held`: when steps that do not hold were last seen to."""
    lines: list[str] = []
    lost = [step for step in result.steps if not step.status.settled and step.id in held]
    if lost:
        lines += ["Held before, does not hold now:"]
        lines += [f"  {SYMBOLS[step.status]} {step.id}  last held {when(held[step.id])}" for step in lost] + [""]
    for phase in result.phases:
        lines += [phase_line(result, phase)]
        for step in (step for step in result.steps if step.phase == phase):
            lines += step_lines(step)
            for cause in result.diagnosis.of(step.id) if result.diagnosis else ():
                lines += cause_lines(cause, "      ")
    return [*lines, "", summary_line(result)]


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
        wrong = [item for item in step.evidence if item.verdict is not Verdict.HOLDS]
        lines += [f"      {item.asked}: expected {item.expected}, seen {item.seen}" for item in wrong]
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
