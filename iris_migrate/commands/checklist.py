"""`checklist`: lint, show, schema, runbook, coverage. Needs no host and no AWS."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_migrate.language.checklist import Checklist, Step

DESCRIPTION = "Looks into checklists. Needs neither a host nor AWS."
ACTIONS = {
    "lint": "everything that can be said against a checklist; exit code 2 when there is something",
    "show": "its steps with their parameters, and its settings with where each value came from",
    "schema": "the JSON Schema of checklist files, for editors",
    "runbook": "the whole checklist as a document to work from by hand, in Markdown",
    "coverage": "each line of the plan with the step that stands for it, or the reason why there is none",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, says in ACTIONS.items():
        action = actions.add_parser(name, help=says, description=says)
        if name == "schema":
            continue
        several = "*" if name == "lint" else "?"
        action.add_argument("checklist", nargs=several, default=None, help="name or folder (default lambda-to-ec2)")
        if name == "show":
            action.add_argument("--step", metavar="STEP", help="only this one")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.exits import OK
    from iris_migrate.reports.show import show_lines

    match args.action:
        case "lint":
            return _lint(args.checklist or [])
        case "schema":
            from iris_migrate.language.schema import text

            show_lines(text().splitlines())
            return OK
        case "coverage":
            return _coverage(args.checklist or "lambda-to-ec2")
    checklist = _loaded(args)
    if args.action == "runbook":
        from iris_migrate.reports.runbook import runbook

        show_lines(list(runbook(checklist)))
    else:
        show_lines(list(_shown(checklist, args.step)))
    return OK


def _loaded(args: argparse.Namespace) -> Checklist:
    from iris_migrate.arguments import options
    from iris_migrate.language.load import load

    given = options(args)
    return load(given.checklist, flags=given.flags, settings_file=given.settings_file())


def _lint(names: list[str]) -> int:
    from iris_migrate.exits import OK, USAGE
    from iris_migrate.language.data import shipped_names
    from iris_migrate.language.lint import lint
    from iris_migrate.reports.show import show_lines

    code = OK
    for name in names or shipped_names():
        problems = lint(name)
        show_lines([str(problem) for problem in problems] or [f"{name}: no problems"])
        code = USAGE if problems else code
    return code


def _coverage(name: str) -> int:
    from iris_migrate.exits import OK, USAGE
    from iris_migrate.language.coverage import coverage
    from iris_migrate.reports.show import show_lines

    lines, open_ = [], 0
    for item in coverage(name):
        stands = ", ".join(item.steps) or (f"({item.reason})" if item.reason else "NOTHING STANDS FOR IT")
        open_ += not item.complete
        lines.append(f"L{item.line.number:<4} {item.line.text.rstrip()[:70]:70}  {stands}")
    show_lines([*lines, "", f"{open_} lines have neither a step nor a reason"])
    return USAGE if open_ else OK


def _shown(checklist: Checklist, only: str | None) -> Iterator[str]:
    from iris_migrate.exits import UsageError

    steps = [step for step in checklist.steps if only in (None, step.id)]
    if not steps:
        raise UsageError(f"--step {only}: no step of {checklist.name} has that name.")
    if only is None:
        yield f"{checklist.name}: {checklist.title}, digest {checklist.digest[:16]}"
    phase = ""
    for step in steps:
        if step.phase != phase:
            phase = step.phase
            yield from ("", f"{phase} {next(item.title for item in checklist.phases if item.id == phase)}")
        yield from _step(step)
    if only is None:
        yield from _settings(checklist)


def _step(step: Step) -> Iterator[str]:
    from iris_migrate.describe import plain

    left_out = f"  left out: {step.left_out}" if step.left_out else ""
    risk = f"  [{step.risk}]" if step.risk != "none" else ""
    yield f"  {step.id}: {step.title}{risk}{left_out}"
    yield f"      {step.resource}" + (f", after {', '.join(step.waits_for)}" if step.waits_for else "")
    for name, value in step.with_.items():
        first, *more = str(plain(value)).splitlines() or [""]
        yield f"        {name}: {first}" + (f" … {len(more)} more lines" if more else "")


def _settings(checklist: Checklist) -> Iterator[str]:
    from iris_migrate.describe import plain

    yield from ("", "Settings")
    for name, setting in checklist.settings.items():
        yield f"  {name}: {plain(setting.value)}  ({setting.origin})"
    for name, source in checklist.secrets.items():
        yield f"  {name}: secret  ({source.how}: {source.where})"
