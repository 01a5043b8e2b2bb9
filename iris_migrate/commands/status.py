"""`status`: where the migration stands, from its record alone. Connects to nothing."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_migrate.engine.record import Record
    from iris_migrate.engine.results import CheckResult
    from iris_migrate.language.checklist import Checklist

DESCRIPTION = "Says where the migration stands by its record on this machine. Connects to nothing."


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default text")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.history import opened_record
    from iris_migrate.engine.history import recorded
    from iris_migrate.reports.show import show_json, show_lines

    with opened_record(args) as (checklist, record):
        now = time.time()
        result = recorded(checklist, record, now)
        if args.format == "json":
            run_ = record.last_run(checklist.name)
            last = None if run_ is None else {"run": run_[0], "begun": run_[1], "ended": run_[3]}
            facts = {name: record.fact(name) for name in ("migration", "app", "account", "region")}
            show_json({**result.document(), **facts, "last_run": last})
        else:
            show_lines(_lines(checklist, record, result, now))
    return result.exit_code


def _lines(checklist: Checklist, record: Record, result: CheckResult, now: float) -> list[str]:
    from iris_migrate.reports.text import ago, lines_of, when

    place = " ".join(str(record.fact(name)) for name in ("account", "region") if record.fact(name))
    lines = [f"{checklist.title}: {record.fact('app')}{f', {place}' if place else ''}"]
    if (run_ := record.last_run(checklist.name)) is not None:
        lines.append(f"Run {run_[0]}, begun {when(run_[1])} ({ago(now - run_[1])}): {run_[3]}")
    looked = [found[0] for step in result.steps if (found := record.last_finding(checklist.name, step.id))]
    lines.append(f"Last looked at {ago(now - max(looked))}." if looked else "Never looked at.")
    for intent in record.open_intents():
        lines.append(f"Interrupted: {intent.step}: {intent.change.says}. The next run finds out what became of it.")
    waiting = next((step for step in result.steps if not step.status.settled), None)
    if waiting is not None:
        lines.append(f"Next: {waiting.id}, {waiting.title}")
    return [*lines, "", *lines_of(result)]
