"""Plans: what would be done to each step, in words with diffs, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iris_migrate.changes import Change
from iris_migrate.describe import details, plain, summary
from iris_migrate.encoding import encode
from iris_migrate.engine.inspection import Inspected
from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.symbols import SYMBOLS

Pair = tuple[StepResult, Inspected]


def plan_lines(result: CheckResult, pairs: Sequence[Pair]) -> list[str]:
    """Every step that would be changed, with each change in full; the others in one line that says why."""
    lines: list[str] = []
    phase = ""
    for found, inspected in pairs:
        if found.phase != phase:
            phase = found.phase
            lines += ["", f"{phase} {result.phases[phase]}"]
        lines += _step(found, inspected)
    count = sum(bool(inspected.preview()) for _, inspected in pairs)
    return [*lines, "", f"{count} of {len(pairs)} steps would be changed. Nothing was changed."]


def _step(found: StepResult, inspected: Inspected) -> list[str]:
    changes = inspected.preview()
    step = inspected.step
    if not changes:
        return [f"  {SYMBOLS[found.status]} {step.id}  nothing to do: {found.detail or found.status.value}"]
    risk = f"  [{step.risk}]" if step.risk != "none" else ""
    later = f"  (after {inspected.finding.waits_for})" if inspected.finding.waits_for else ""
    lines = [f"  {SYMBOLS[found.status]} {step.id}  {step.title}{risk}{later}"]
    for line in step.why.strip().splitlines():
        lines.append(f"      {line}")
    return lines + [f"    {line}" for line in change_lines(changes)]


def change_lines(changes: Sequence[Change]) -> list[str]:
    """Each change in a line, and what it does in full below it."""
    lines: list[str] = []
    for change in changes:
        head = summary(change)
        lines.append(head)
        lines += [f"    {line}" for line in details(change) if line != head.removeprefix("$ ")]
    return lines


def plan_document(result: CheckResult, pairs: Sequence[Pair]) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "checklist": result.checklist,
        "digest": result.digest,
        "summary": result.summary,
        "steps": [
            {
                "id": found.id, "phase": found.phase, "title": found.title, "status": found.status.value,
                "detail": found.detail, "risk": inspected.step.risk,
                "changes": [
                    {"kind": change.kind, "says": change.says, "summary": summary(change), "data": _data(change)}
                    for change in inspected.preview()
                ],
            }
            for found, inspected in pairs
        ],
    }  # fmt: skip


def _data(change: Change) -> Any:
    """The change's own fields, specials by name."""
    return encode({name: plain(getattr(change, name)) for name in change.__dataclass_fields__ if name != "says"})
