"""Looking again and again: the first look in full, then only what changes."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence

from iris_migrate.commands.hosts import Looked, looked_at
from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.reports.show import show_all, show_lines
from iris_migrate.reports.text import step_lines


async def watch(
    hosts: Sequence[Looked], results: Sequence[CheckResult], every: float, within: float, form: str
) -> int:  # fmt: skip
    """Until a signal. JSON is one document a line: the whole result, then objects with `changes`."""
    if form == "json":
        for result in results:
            _line(result.document())
    else:
        show_all(results, form)
    while True:
        await asyncio.sleep(every)
        again = await looked_at(hosts, within=within, changed=True)
        for before, now in zip(results, again, strict=True):
            changes = list(changed(before, now))
            if changes and form == "json":
                _line(_document(now, changes))
            elif changes:
                show_lines(list(_lines(now, changes)))
        results = again


Pair = tuple[StepResult, StepResult]


def changed(before: CheckResult, now: CheckResult) -> Iterator[Pair]:
    """The steps that stand elsewhere, or for another reason. Figures that move within their bounds are no change."""
    earlier = {step.id: step for step in before.steps}
    for step in now.steps:
        was = earlier[step.id]
        if (was.status, _asked(was)) != (step.status, _asked(step)):
            yield was, step


def _asked(step: StepResult) -> tuple[str, ...]:
    return tuple(item.asked for item in step.wrong)


def _lines(now: CheckResult, changes: Sequence[Pair]) -> Iterator[str]:
    at = time.strftime("%H:%M:%S", time.localtime(now.at))
    where = f"{now.host} " if now.host else ""
    for was, step in changes:
        first, *more = step_lines(step)
        yield f"{at} {where}{first.strip()} (was: {was.status.value})"
        yield from more


def _document(now: CheckResult, changes: Sequence[Pair]) -> dict[str, object]:
    changed = {step.id: was.status.value for was, step in changes}
    steps = now.only(changed).document()["steps"]
    return {
        "at": now.at, **({"host": now.host} if now.host else {}), "summary": now.summary,
        "changes": [{**step, "was": changed[step["id"]]} for step in steps],
    }  # fmt: skip


def _line(document: object) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()
