"""A checklist as a document to work from by hand: each step, why, and what would make it hold from nothing."""

from __future__ import annotations

from collections.abc import Iterator

from iris_migrate.describe import details, summary
from iris_migrate.findings import Finding, Verdict
from iris_migrate.language.checklist import Checklist, Step
from iris_migrate.resources.base import build
from iris_migrate.values import StepKey

MIGRATION = "MIGRATION"  # stands where a run puts its own random id


def runbook(checklist: Checklist) -> Iterator[str]:
    """Markdown, line by line. What is only known later stands in ‹›."""
    yield f"# {checklist.title}"
    yield ""
    yield (
        "Made from the checklist and the settings at hand. ‹step.output› stands for what an earlier step makes;"
        " secrets are named, not shown."
    )
    for phase in checklist.phases:
        yield from ("", f"## {phase.id} {phase.title}")
        for step in checklist.steps:
            if step.phase == phase.id:
                yield from _step(step)


def _step(step: Step) -> Iterator[str]:
    yield from ("", f"### {step.id}: {step.title}", "")
    if step.left_out:
        yield f"Left out: {step.left_out}."
        return
    if step.why:
        yield from (*step.why.strip().splitlines(), "")
    if step.waits_for:
        yield from (f"After: {', '.join(step.waits_for)}.", "")
    if step.risk != "none":
        yield from (f"Risk: {step.risk}.", "")
    resource = build(step.resource, step.with_, StepKey(MIGRATION, step.id), 0.0)
    if resource.check_only:
        yield f"Looked at, nothing to do: `{step.resource}` asks whether it holds."
        return
    for change in resource.plan(Finding(Verdict.ABSENT)):
        yield f"- {change.says}"
        yield from ("", f"      {summary(change)}")
        yield from (f"      {line}" for line in details(change))
        yield ""
