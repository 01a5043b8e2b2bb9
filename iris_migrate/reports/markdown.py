"""The report of a migration as Markdown: what held, when, shown by what; waivers, changes, settings without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from iris_migrate.describe import plain
from iris_migrate.engine.record import Record
from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.language.checklist import Checklist
from iris_migrate.reports.text import summary_line, when


def report(checklist: Checklist, result: CheckResult, record: Record) -> Iterator[str]:
    """The lines. Everything comes from the record and the compiled checklist; nothing is asked of the world."""
    yield f"# {checklist.title}"
    yield ""
    yield from _head(checklist, record)
    yield f"- {summary_line(result)}"
    for phase in checklist.phases:
        yield from ("", f"## {phase.id} {phase.title}", "")
        for step in (step for step in result.steps if step.phase == phase.id):
            yield from _step(step, checklist.name, record)
    yield from _waivers(checklist, record)
    yield from _changes(record.changes())
    yield from _settings(checklist)


def _head(checklist: Checklist, record: Record) -> Iterator[str]:
    for name in ("app", "migration", "account", "region", "identity", "host.address", "host.instance", "took over"):
        if (value := record.fact(name)) not in (None, ""):
            yield f"- {name}: {cell(value)}"
    yield f"- checklist: {checklist.name}, digest {checklist.digest[:16]}"
    if (run := record.last_run(checklist.name)) is not None:
        yield f"- last run: {run[0]}, begun {when(run[1])}, {run[3]}"


def _step(step: StepResult, checklist: str, record: Record) -> Iterator[str]:
    yield f"### {step.id}: {cell(step.title)}"
    yield ""
    yield f"**{step.status.value}**{f': {cell(step.detail)}' if step.detail else ''}"
    held, seen = record.last_held(checklist, step.id), record.last_finding(checklist, step.id)
    times = [f"last looked at {when(seen[0])}"] if seen else []
    times += [f"last held {when(held[0])}"] if held else []
    if times:
        yield f"({', '.join(times)})"
    if (answer := record.answer(step.id)) is not None:
        yield f"Answered {cell(answer[0])} by {cell(answer[1])}, {when(answer[2])}."
    if step.evidence:
        yield from ("", "| asked | expected | seen | |", "|---|---|---|---|")
        for item in step.evidence:
            yield f"| {cell(item.asked)} | {cell(item.expected)} | {cell(item.seen)} | {item.verdict.value} |"
    yield ""


def _waivers(checklist: Checklist, record: Record) -> Iterator[str]:
    yield from ("## Waivers", "")
    found = [waiver for step in checklist.steps if (waiver := record.waiver(checklist.name, step.id)) is not None]
    if not found:
        yield "None."
    for waiver in found:
        until = f", until {when(waiver.until)}" if waiver.until else ""
        yield f"- {waiver.step}: {cell(waiver.reason)} ({cell(waiver.who)}, {when(waiver.at)}{until})"


def _changes(changes: list[dict[str, Any]]) -> Iterator[str]:
    yield from ("", "## Changes", "")
    if not changes:
        yield "None."
        return
    yield from ("| when | step | what | result |", "|---|---|---|---|")
    for change in changes:
        result = change["state"] + (f": {change['error']}" if change["error"] else "")
        yield f"| {when(change['at'])} | {change['step']} | {cell(change['change'].says)} | {cell(result)} |"


def _settings(checklist: Checklist) -> Iterator[str]:
    yield from ("", "## Settings", "", "| setting | value | from |", "|---|---|---|")
    for name, setting in checklist.settings.items():
        yield f"| {name} | {cell(_value(setting.value))} | {setting.origin} |"
    for name, source in checklist.secrets.items():
        yield f"| {name} | (secret) | {source.how}: {cell(source.where)} |"


def _value(value: Any) -> str:
    shown = plain(value)
    if isinstance(shown, list):
        return " ".join(str(item) for item in shown)
    return str(dict(shown)) if isinstance(shown, Mapping) else str(shown)


_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\|<>`*_[]#"})


def cell(value: object) -> str:
    """Text in one line that Markdown shows as it is: a log line is never markup."""
    return " ".join(str(value).split()).translate(_MARKS)
