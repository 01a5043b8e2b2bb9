"""What a step stands on, and whether that was changed since: then what was known of the step is stale."""

from __future__ import annotations

from iris_migrate.engine.record import Record
from iris_migrate.language.checklist import Checklist, Step


def foundations(checklist: Checklist, step: Step) -> set[str]:
    """The steps that a step names or needs, and theirs."""
    found: set[str] = set()
    ahead = list(step.waits_for)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += checklist.step(name).waits_for
    return found


def changed_since(step: Step, checklist: Checklist, record: Record, at: float) -> str:
    """Which of its foundations was changed after a time (seconds since the epoch), in words; empty for none."""
    names = sorted(foundations(checklist, step))
    last = record.last_change(names) if names else None
    return f"{last[0]} was changed since" if last is not None and last[1] > at else ""


def outdated(step: Step, checklist: Checklist, record: Record) -> str:
    """Why the word of a person, once given for a step, does not count any more; empty where it does."""
    answer = record.answer(step.id)
    return changed_since(step, checklist, record, answer[2]) if answer else ""
