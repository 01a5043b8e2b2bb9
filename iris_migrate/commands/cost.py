"""`cost`: what the old and the new side cost a month, item by item, before anything is made."""

from __future__ import annotations

import argparse

DESCRIPTION = """\
Says what the Lambda side costs a month as it was used in the last 14 days, what the host will cost, and what the
account's free plan makes of it. Prices are AWS's own where the Pricing API may be asked, else those of a dated table.
Changes nothing."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default text")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.interruption import run_interruptible

    return run_interruptible(_cost(args))


async def _cost(args: argparse.Namespace) -> int:
    from iris_migrate.commands.session import looker, opened
    from iris_migrate.engine.bill import bill
    from iris_migrate.exits import OK
    from iris_migrate.reports.cost import cost_document, cost_lines
    from iris_migrate.reports.show import show_json, show_lines

    async with opened(args, looker()) as session:
        found = await bill(session)
    if args.format == "json":
        show_json(cost_document(found))
    else:
        show_lines(list(cost_lines(found)))
    return OK
