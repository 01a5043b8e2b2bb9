"""A result as a monitoring plugin's one line with performance data, and the plugin's own exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.redact import clean
from iris_migrate.reports.outcomes import Outcome, outcome, says

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
LENGTH = 1500  # characters before the performance data; some receivers cut at 4 KiB
# What tells most comes first: what is broken, then what nobody can tell, then what is only drifting.
_FIRST = (CRITICAL, UNKNOWN, WARNING, OK)


def code(results: Sequence[CheckResult]) -> int:
    """0 all well · 1 something warns, waits, or is not critical · 2 something does not hold · 3 it cannot be told."""
    codes = {_code(step, result) for result in results for step in result.steps}
    return next((one for one in _FIRST if one in codes), UNKNOWN)


def line(results: Sequence[CheckResult]) -> str:
    """`IRIS OK - …|perfdata`: one line, whatever was seen."""
    steps = [(step, result) for result in results for step in result.steps]
    state = code(results)
    settled = sum(step.status.settled for step, _ in steps)
    told = [f"{settled} of {len(steps)} settled"]
    for wanted in _FIRST[:3]:
        told += [_says(step, result) for step, result in steps if _code(step, result) == wanted]
    told += [_says(step, result) for step, result in steps if step.waiver is not None and _code(step, result) == OK]
    text = f"IRIS {_WORDS[state]} - " + ", ".join(told)
    return f"{_plain(text, LENGTH)}|{_performance(results)}"


def failed(reason: str) -> str:
    """The line when there was no way to look at all."""
    return f"IRIS UNKNOWN - {_plain(reason, LENGTH)}"


def _code(step: StepResult, result: CheckResult) -> int:
    match outcome(step):
        case Outcome.PASSED | Outcome.ASIDE:
            return OK
        case Outcome.UNTOLD:
            return UNKNOWN
        case Outcome.FAILED if step.critical or result.overdue(step):
            return CRITICAL
    return WARNING


def _says(step: StepResult, result: CheckResult) -> str:
    where = f"{result.host} " if result.host else ""
    return f"{where}{step.id} {step.status.value} ({says(step, result)})"


def _performance(results: Sequence[CheckResult]) -> str:
    """`'label'=value[unit];warn;critical;min;max`, separated by blanks."""
    counts = Counter(outcome(step) for result in results for step in result.steps)
    total = sum(counts.values())
    data = [f"{one.value}={counts[one]};;;0;{total}" for one in Outcome]
    return " ".join([*data, f"time={max((result.seconds for result in results), default=0.0):.3f}s;;;0"])


def _plain(text: str, length: int) -> str:
    """One line without what separates the performance data."""
    line = " ".join(clean(text).replace("|", "/").split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
