"""A failure in words: what was expected and seen, its lines, and the causes that facts name, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_migrate.engine.consent import Failure
    from iris_migrate.engine.diagnosis import Diagnosis, Named
    from iris_migrate.language.troubleshooting import Symptom

SHOWN = 20  # lines of output and of the journal


def failure_lines(failure: Failure) -> Iterator[str]:
    """The panel of a failure, line by line."""
    yield f"✗ {failure.step.id}  {failure.step.title}"
    yield f"  {failure.why}"
    for item in failure.evidence:
        yield f"  {item.asked}: expected {item.expected}, seen {item.seen}"
    if failure.lines:
        yield "  Its last lines:"
        yield from (f"    | {line}" for line in failure.lines[-SHOWN:])
    if failure.journal:
        yield "  The host's journal meanwhile:"
        yield from (f"    | {line}" for line in failure.journal[-SHOWN:])
    if failure.diagnosis is not None:
        yield from _causes(failure.diagnosis, failure)
    if failure.missing:
        yield "  Mend that, then start again: it goes on here."


def _causes(diagnosis: Diagnosis, failure: Failure) -> Iterator[str]:
    """The causes that facts name. Without any: where to look."""
    for cause in diagnosis.named:
        yield from cause_lines(cause)
    if not diagnosis.named and not failure.missing:
        for symptom in diagnosis.symptoms:
            yield from symptom_lines(symptom)


def cause_lines(cause: Named, indent: str = "  ") -> Iterator[str]:
    """A cause, the facts that name it, and its remedy."""
    yield f"{indent}Cause: {cause.says}"
    yield from (f"{indent}  {item.asked}: {item.seen}" for item in cause.facts)
    yield f"{indent}  Next: {cause.remedy.says}{_steps(cause)}"


def _steps(cause: Named) -> str:
    if not cause.remedy.steps:
        return ""
    return f" (step{'s' if len(cause.remedy.steps) > 1 else ''} {', '.join(cause.remedy.steps)})"


def symptom_lines(symptom: Symptom, indent: str = "  ") -> Iterator[str]:
    """Where to look when no cause is known."""
    yield f"{indent}{symptom.says}"
    yield from (f"{indent}  To see {look.shows}: {look.command}" for look in symptom.look)
