"""A diagnosis: causes with their facts and remedies as plans, in words and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from iris_migrate.changes import Change
from iris_migrate.describe import summary
from iris_migrate.engine.explanation import cause_lines, symptom_lines
from iris_migrate.engine.results import CheckResult
from iris_migrate.language.checklist import Step
from iris_migrate.reports.plan import change_lines
from iris_migrate.symbols import SYMBOLS

if TYPE_CHECKING:
    from iris_migrate.engine.diagnosis import Diagnosis, Named
    from iris_migrate.language.troubleshooting import Symptom

Plan = Sequence[tuple[Step, Sequence[Change]]]
SHOWN = 16  # lines of a step's plan; `plan` shows all


def diagnosis_lines(result: CheckResult, diagnosis: Diagnosis, plans: Mapping[str, Plan]) -> list[str]:
    """What does not hold, each cause with the facts that name it and its remedy, and what no cause explains."""
    lines = [f"{SYMBOLS[step.status]} {step.id}  {step.title}" for step in result.steps if step.id in diagnosis.open]
    lines = [*lines, ""] if lines else lines
    for cause in diagnosis.named:
        lines += [*cause_lines(cause, ""), *_explains(cause), *_plan(plans[cause.id]), ""]
    if diagnosis.unexplained:
        lines += [f"No cause is known for: {', '.join(diagnosis.unexplained)}"]
        for symptom in diagnosis.symptoms:
            lines += symptom_lines(symptom)
        lines += [""]
    if diagnosis.untold:
        lines += ["Could not be told:", *(f"  {item.says} ({item.why})" for item in diagnosis.untold), ""]
    return [*lines, _summary(diagnosis)]


def _explains(cause: Named) -> list[str]:
    return [f"  Explains: {', '.join(cause.explains)}"] if cause.explains else []


def _plan(plan: Plan) -> list[str]:
    """What would be done now; a step that waits for one before it is said with what it would do."""
    lines = []
    for step, changes in plan:
        if not changes:
            continue
        risk = f"  [{step.risk}]" if step.risk != "none" else ""
        lines.append(f"  {step.id}: {step.title}{risk}")
        shown = change_lines(changes)
        lines += [f"    {line}" for line in shown[:SHOWN]]
        if len(shown) > SHOWN:
            lines.append(f"    … {len(shown) - SHOWN} more lines: iris-migrate plan --step {step.id}")
    return lines


def _summary(diagnosis: Diagnosis) -> str:
    count = len(diagnosis.named)
    if not count and not diagnosis.open:
        return "Everything that was looked at holds, and nothing is named."
    named = f"{count} cause{'s' if count != 1 else ''} named" if count else "No cause is named"
    mend = ". To carry the remedies out: iris-migrate diagnose --mend" if count else ""
    steps = len(diagnosis.open)
    return f"{named}, {steps} step{'s do' if steps != 1 else ' does'} not hold{mend}."


def diagnosis_document(result: CheckResult, diagnosis: Diagnosis, plans: Mapping[str, Plan]) -> dict[str, Any]:
    """The same as plain data."""
    steps = {step.id: step for step in result.steps}
    return {
        "checklist": result.checklist,
        "digest": result.digest,
        "summary": result.summary,
        "causes": [cause_document(cause, plans[cause.id]) for cause in diagnosis.named],
        "untold": [{"id": item.id, "says": item.says, "why": item.why} for item in diagnosis.untold],
        "unexplained": [
            {"id": name, "status": steps[name].status.value, "detail": steps[name].detail}
            for name in diagnosis.unexplained
            if name in steps
        ],
        "look": [_look(symptom) for symptom in diagnosis.symptoms],
    }


def cause_document(cause: Named, plan: Plan) -> dict[str, Any]:
    """One cause as plain data."""
    return {
        "id": cause.id, "symptom": cause.symptom, "says": cause.says,
        "facts": [{"asked": item.asked, "seen": item.seen} for item in cause.facts],
        "explains": list(cause.explains),
        "remedy": {
            "says": cause.remedy.says,
            "steps": [
                {"id": step.id, "title": step.title, "risk": step.risk, "changes": [summary(item) for item in changes]}
                for step, changes in plan
            ],
        },
    }  # fmt: skip


def _look(symptom: Symptom) -> dict[str, Any]:
    commands = [{"shows": look.shows, "command": look.command} for look in symptom.look]
    return {"symptom": symptom.id, "says": symptom.says, "commands": commands}
