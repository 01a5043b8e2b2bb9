"""`verify`: the inspection. Changes nothing on either side."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iris_migrate.engine.session import Session

DESCRIPTION = "Looks at every step of a checklist and says what holds. Changes nothing on either side."


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")
    parser.add_argument("--only", metavar="PHASE|STEP", action="append", help="only these; may be repeated")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default text")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.interruption import run_interruptible

    return run_interruptible(_verify(args))


async def _verify(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from iris_migrate.commands.session import looker, opened
    from iris_migrate.exits import WRONG
    from iris_migrate.reports.show import show

    async with opened(args, looker()) as session:
        only = chosen(session, args.only)
        record, name = session.record, session.checklist.name
        held = {step.id: found[0] for step in session.checklist.steps if (found := record.last_held(name, step.id))}
        result = await session.inspect(only)
        if result.exit_code == WRONG:
            result = replace(result, diagnosis=await session.diagnose())
    if only is not None:
        result = result.only(only)
    show(result, args.format, held=held)
    return result.exit_code


def chosen(session: Session, names: Sequence[str] | None) -> list[str] | None:
    """The ids of these steps and of the steps of these phases; None for all. Raises UsageError."""
    from iris_migrate.exits import UsageError

    if not names:
        return None
    known = {name for step in session.checklist.steps for name in (step.id, step.phase)}
    for name in names:
        if name not in known:
            raise UsageError(f"{name}: no step or phase of {session.checklist.name} has that name.")
    return [step.id for step in session.checklist.steps if {step.id, step.phase} & set(names)]
