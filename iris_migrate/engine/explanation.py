"""A failure in words: what was expected and seen, its lines, and the likely cause with its remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from iris_migrate.engine.consent import Failure
from iris_migrate.language.troubleshooting import Symptom

SHOWN = 20  # lines of output and of the journal
TELLING = 12  # characters from which a sign tells its cause in any step's lines
_SEE = re.compile(r"See ([a-z-]+)\.")


def failure_lines(failure: Failure, symptoms: Callable[[], Mapping[str, Symptom]]) -> Iterator[str]:
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
    yield from _causes(failure, symptoms())
    if failure.missing:
        yield "  Mend that, then start again: it goes on here."


def _causes(failure: Failure, symptoms: Mapping[str, Symptom]) -> Iterator[str]:
    """The causes whose sign was seen. Without any: those that leave no sign, and where to look."""
    lines = [failure.why, *failure.lines, *failure.journal, *(item.seen for item in failure.evidence)]
    named = [symptoms[name] for name in failure.step.troubleshoot if name in symptoms]
    likely = [cause for symptom in named for cause in symptom.likely(lines)]
    if not likely:
        others = [cause for symptom in symptoms.values() for cause in symptom.likely(lines)]
        likely = [cause for cause in others if len(cause.sign) >= TELLING][:1]
    for cause in likely:
        yield f"  Likely: {cause.says}"
        yield f"    Next: {cause.remedy}"
        if (see := _SEE.fullmatch(cause.remedy)) and see[1] in symptoms:
            yield from _hints(symptoms[see[1]])
    if likely or failure.missing:
        return
    for symptom in named:
        yield f"  {symptom.says}"
        yield from _hints(symptom)


def _hints(symptom: Symptom) -> Iterator[str]:
    yield from (f"    It may be: {cause.says} Next: {cause.remedy}" for cause in symptom.causes if not cause.sign)
    yield from (f"    To see {look.shows}: {look.command}" for look in symptom.look)
