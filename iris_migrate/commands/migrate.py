"""`migrate`: a run. With --auto without a terminal, else at the frontend that fits the terminal."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from iris_migrate.engine.session import Session

DESCRIPTION = """\
Brings every step of a checklist to hold. Without --auto each plan is shown and asked about. With --auto it consents
to what costs or interrupts, prints each plan to standard error, and stops (exit code 4) where only a person can go
on: at a step for the operator that --answers does not answer, at a plan that changed before it was carried out, and
at what destroys something, unless --confirm gives the phrase that it prints."""

THEMES = ("dark", "light", "contrast", "ansi-dark", "ansi-light")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")
    run_arguments(parser)


def run_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command that runs a checklist takes."""
    parser.add_argument("--auto", action="store_true", help="ask nothing; consent to what costs or interrupts")
    parser.add_argument(
        "--answers", metavar="FILE", help="YAML with a line `step-id: answer` for steps of the operator"
    )
    parser.add_argument(
        "--confirm", metavar="PHRASE", action="append", default=[], help="agree to what destroys; may be repeated"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the result (default text)")
    parser.add_argument(
        "--plain", action="store_true", default=argparse.SUPPRESS, help="the numbered frontend, also for screen readers"
    )
    theme_argument(parser)


def theme_argument(parser: argparse.ArgumentParser) -> None:
    """The look of the screens."""
    parser.add_argument(
        "--theme", metavar="NAME", choices=THEMES, default=argparse.SUPPRESS, help=f"colours: {', '.join(THEMES)}"
    )


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.frontend import interactive
    from iris_migrate.commands.interruption import run_interruptible

    if args.auto:
        return run_interruptible(auto(args))
    return interactive(args)


async def auto(args: argparse.Namespace) -> int:
    """A run that consents by rule; narration on standard error, the result on standard output."""
    from asyncio import CancelledError

    from iris_migrate.auto import AutoOperator
    from iris_migrate.commands.session import opened, say, unfinished
    from iris_migrate.narration import Narrator
    from iris_migrate.reports.show import show

    operator = AutoOperator(say=say, answers=answers_of(args.answers), phrases=args.confirm)
    async with opened(args, operator) as session:
        operator.where = session.where
        say(f"{session.checklist.title}: {session.where}, migration {session.migration}")
        await say_cost(session, say)
        session.listen(Narrator(say, session.checklist, brief=True))
        try:
            result = await session.run()
        except CancelledError:
            for line in unfinished(session):
                say(line)
            raise
    show(result, args.format)
    return operator.exit_code(result.exit_code)


def answers_of(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    from iris_migrate.exits import UsageError
    from iris_migrate.language.document import parse

    try:
        found = parse(Path(path).read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the answers cannot be read: {error}") from error
    if found.problems:
        raise UsageError("\n".join(str(problem) for problem in found.problems))
    if not isinstance(found.data, dict) or any(isinstance(answer, dict | list) for answer in found.data.values()):
        raise UsageError(f"{path}: expected a mapping of step id to answer, for instance `extension-deployed: yes`")
    return {str(step): str(answer) for step, answer in found.data.items()}


async def say_cost(session: Session, say: Callable[[str], None]) -> None:
    """What the month will cost, before the first run makes anything that costs."""
    costs = any(step.risk == "costs" and not step.left_out for step in session.checklist.steps)
    if not costs or session.record.last_run(session.checklist.name) is not None:
        return
    from iris_migrate.engine.bill import bill
    from iris_migrate.reports.cost import cost_lines

    for line in cost_lines(await bill(session)):
        say(line)
