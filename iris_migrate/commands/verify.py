"""`verify`: the inspection. Changes nothing on either side."""

from __future__ import annotations

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")
    parser.add_argument("--only", metavar="PHASE|STEP", action="append", help="only these")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run(_verify(args))


async def _verify(args: argparse.Namespace) -> int:
    from iris_migrate.auto import AutoOperator
    from iris_migrate.commands.session import options
    from iris_migrate.engine.session import Session
    from iris_migrate.exits import UsageError
    from iris_migrate.reports.show import show

    session = await Session(options(args), AutoOperator(say=lambda line: None)).open()
    try:
        only = None
        if args.only:
            only = [step.id for step in session.checklist.steps if {step.id, step.phase} & set(args.only)]
            if not only:
                raise UsageError(f"--only {' '.join(args.only)}: no step or phase has that name")
        result = await session.inspect(only)
    finally:
        await session.close()
    show(result, args.format)
    return result.exit_code
