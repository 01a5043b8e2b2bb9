"""A result as the Test Anything Protocol, version 14: a test point a step, with what was seen as YAML below it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.redact import clean
from iris_migrate.reports.outcomes import Outcome, outcome, says


def lines(results: Sequence[CheckResult]) -> Iterator[str]:
    """Version, plan, test points."""
    pairs = [(step, result) for result in results for step in result.steps]
    yield "TAP version 14"
    yield f"1..{len(pairs)}"
    for number, (step, result) in enumerate(pairs, 1):
        yield from _point(number, step, result)


def _point(number: int, step: StepResult, result: CheckResult) -> Iterator[str]:
    told = outcome(step)
    good = told in (Outcome.PASSED, Outcome.WARNED) or (told is Outcome.ASIDE and step.waiver is None)
    where = f"{result.host} " if result.host else ""
    directive = ""
    if told is Outcome.ASIDE:  # TODO: it may fail, and is not counted; SKIP: it was not asked
        directive = f" # {'SKIP' if step.waiver is None else 'TODO'} {_line(says(step, result))}"
    yield f"{'ok' if good else 'not ok'} {number} - {_line(f'{where}{step.id}: {step.title}')}{directive}"
    if good and told is not Outcome.WARNED:
        return
    yield "  ---"
    yield f"  status: {step.status.value}"
    yield f"  message: {json.dumps(clean(says(step, result)), ensure_ascii=False)}"
    if step.held is not None:
        yield f"  held: {step.held.at:.0f}"
    if step.wrong:
        yield "  evidence:"
        for item in step.wrong:
            then = step.held.before(item.asked) if step.held is not None else ""
            seen = {
                "asked": item.asked,
                "expected": item.expected,
                "seen": item.seen,
                **({"then": then} if then else {}),
            }
            yield f"    - {json.dumps({name: clean(value) for name, value in seen.items()}, ensure_ascii=False)}"
    yield "  ..."


def _line(text: str) -> str:
    """One line in which nothing reads as a directive."""
    return " ".join(clean(text).split()).replace("\\", "\\\\").replace("#", "\\#")
