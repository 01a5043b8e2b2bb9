"""`restore`: brings the old side back from its archive; shows the plan unless told to carry it out."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_migrate.auto import AutoOperator
    from iris_migrate.engine.session import Session

DESCRIPTION = """\
Brings back what a decommission took: images with the same digests, functions with versions and aliases, the API's
routes under the same URL. The archive's list is a checklist like any other: without --execute the plan is shown and
nothing is changed; started again, it goes on where it was. The key of the archive is read from IRIS_ARCHIVE_KEY when
it was not made on this machine.

What is gone besides (log groups, roles, repositories, HTTP API objects) is made again too, and so is all of it with
--into in another account, from the archive alone: names stay, account and region in them are the new ones. An API that
is made again has another id and so another URL; what was logged and counted does not come back."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--archive", metavar="FOLDER", help="the archive (default: the setting archive.folder)")
    parser.add_argument(
        "--into", metavar="ACCOUNT", default="", help="another account than the archive's, where all of it is made"
    )
    parser.add_argument("--execute", action="store_true", help="do it")
    parser.add_argument("--only", metavar="STEP", action="append", help="only these steps; may be repeated")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the result (default text)")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.interruption import run_interruptible

    return run_interruptible(_restore(args))


async def _restore(args: argparse.Namespace) -> int:
    from iris_migrate.auto import AutoOperator
    from iris_migrate.commands.session import options, say
    from iris_migrate.engine.decommission import CHECKLIST
    from iris_migrate.engine.restoring import opened_restore

    args.checklist = CHECKLIST
    operator = AutoOperator(say=say)
    session = await opened_restore(options(args), operator, args.archive or "", into=args.into)
    try:
        return await plan_or_do(session, operator, args)
    finally:
        await session.close()


async def plan_or_do(session: Session, operator: AutoOperator, args: argparse.Namespace) -> int:
    """The plan, or with --execute what it says carried out."""
    operator.where = session.where
    if not args.execute:
        return await show_plan(session, args)
    return operator.exit_code(await carry_out(session, args))


async def show_plan(session: Session, args: argparse.Namespace) -> int:
    from iris_migrate.commands.verify import chosen
    from iris_migrate.reports.plan import plan_document, plan_lines
    from iris_migrate.reports.show import show_json, show_lines

    only = chosen(session, args.only)
    result = await session.inspect(only)
    result = result if only is None else result.only(only)
    pairs = [(step, session.inspected(step.id)) for step in result.steps]
    if args.format == "json":
        show_json(plan_document(result, pairs))
    else:
        show_lines(plan_lines(result, pairs))
    return result.exit_code


async def carry_out(session: Session, args: argparse.Namespace) -> int:
    from iris_migrate.commands.session import say
    from iris_migrate.commands.verify import chosen
    from iris_migrate.narration import Narrator
    from iris_migrate.reports.show import show

    only = chosen(session, args.only)
    session.listen(Narrator(say, session.checklist, brief=True))
    result = await session.run(only)
    result = result if only is None else result.only(only)
    show(result, args.format)
    return result.exit_code
