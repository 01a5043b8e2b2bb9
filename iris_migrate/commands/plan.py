"""`plan`: what a run would do, with diffs. Changes nothing on either side."""

from __future__ import annotations

import argparse

DESCRIPTION = """\
Looks at every step and shows what a run would do to those that do not hold, with diffs. What is only known later
stands in ‹›. Changes nothing on either side. Leaves with the exit code that verify would have."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")
    parser.add_argument("--step", metavar="PHASE|STEP", action="append", help="only these; may be repeated")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default text")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.interruption import run_interruptible

    return run_interruptible(_plan(args))


async def _plan(args: argparse.Namespace) -> int:
    from iris_migrate.commands.session import looker, opened
    from iris_migrate.commands.verify import chosen
    from iris_migrate.reports.plan import plan_document, plan_lines
    from iris_migrate.reports.show import show_json, show_lines

    async with opened(args, looker()) as session:
        only = chosen(session, args.step)
        result = await session.inspect(only)
        if only is not None:
            result = result.only(only)
        pairs = [(step, session.inspected(step.id)) for step in result.steps]
    if args.format == "json":
        show_json(plan_document(result, pairs))
    else:
        show_lines(plan_lines(result, pairs))
    return result.exit_code
