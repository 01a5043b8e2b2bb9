"""`diagnose`: why something does not hold, with a remedy as a plan; --mend carries remedies out as any run does."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_migrate.auto import AutoOperator
    from iris_migrate.engine.diagnosis import Diagnosis
    from iris_migrate.engine.results import CheckResult
    from iris_migrate.engine.session import Session
    from iris_migrate.plain import PlainOperator

DESCRIPTION = """\
Looks at every step, asks the facts that tell one cause from another, and names those that the facts name, each with
a remedy in the checklist's own steps, as a plan. Changes nothing. With --mend the steps of the remedies are brought
to hold: each plan is shown and asked about, as in any run. Leaves with 0 when everything holds and nothing is named,
with 1 when something does not hold or a cause is named."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")
    parser.add_argument(
        "--step", metavar="STEP", action="append", help="only why this one does not hold; may be repeated"
    )
    parser.add_argument("--mend", action="store_true", help="carry the remedies out, after consent")
    parser.add_argument(
        "--auto", action="store_true", help="with --mend: ask nothing; consent to what costs or interrupts"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default text")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.interruption import run_interruptible
    from iris_migrate.exits import UsageError

    if args.auto and not args.mend:
        raise UsageError("--auto is for --mend: without it nothing is asked.")
    return run_interruptible(_diagnose(args))


async def _diagnose(args: argparse.Namespace) -> int:
    from iris_migrate.commands.session import opened
    from iris_migrate.exits import WRONG

    operator = _operator(args)
    async with opened(args, operator) as session:
        operator.where = session.where
        steps = _chosen(session, args.step)
        result, diagnosis = await _look(session, steps)
        _show(session, result, diagnosis, args.format, quiet=args.mend and args.format == "json")
        if not args.mend or not diagnosis.named:
            return result.exit_code if result.exit_code or not diagnosis.named else WRONG
        return await _mend(session, operator, diagnosis, args, steps)


def _chosen(session: Session, names: list[str] | None) -> list[str] | None:
    from iris_migrate.exits import UsageError

    known = {step.id for step in session.checklist.steps}
    for name in names or ():
        if name not in known:
            raise UsageError(f"{name}: no step of {session.checklist.name} has that name.")
    return names


async def _look(session: Session, steps: list[str] | None) -> tuple[CheckResult, Diagnosis]:
    """Look at everything: a fact may be about any step. With steps only those that do not hold are explained."""
    from iris_migrate.engine.events import Status

    result = await session.inspect()
    if steps is None:
        return result, await session.diagnose()
    wrong = [step.id for step in result.steps if step.id in steps and not step.status.settled]
    wrong = [name for name in wrong if result.status(name) is not Status.WAITING]
    return result.only(steps), await session.diagnose(wrong)


async def _mend(
    session: Session,
    operator: AutoOperator | PlainOperator,
    diagnosis: Diagnosis,
    args: argparse.Namespace,
    steps: list[str] | None,
) -> int:
    """Bring the steps of the remedies to hold as a run does, then look again at everything."""
    from iris_migrate.commands.session import say
    from iris_migrate.exits import OK, WRONG
    from iris_migrate.narration import Narrator

    wanted = {step.id for cause in diagnosis.named for step in session.diagnostician.steps(cause)}
    if not wanted:
        say("The remedies are for a person; there is no step to carry out.")
        return WRONG
    end = session.listen(Narrator(say, session.checklist, brief=True))
    await session.run([step.id for step in session.checklist.steps if step.id in wanted])
    end()
    result, after = await _look(session, steps)
    _show(session, result, after, args.format)
    return operator.exit_code(result.exit_code or (WRONG if after.named else OK))


def _operator(args: argparse.Namespace) -> AutoOperator | PlainOperator:
    """Who is asked: nobody with --auto, else the person at the numbered frontend."""
    import sys

    from iris_migrate.auto import AutoOperator
    from iris_migrate.commands.session import say
    from iris_migrate.plain import PlainOperator
    from iris_migrate.terminal import Terminal

    if args.auto:
        return AutoOperator(say=say)
    return PlainOperator(Terminal(sys.stderr if args.format == "json" else sys.stdout))


def _show(session: Session, result: CheckResult, diagnosis: Diagnosis, form: str, *, quiet: bool = False) -> None:
    """Print a diagnosis. `quiet`: JSON is one document, so that what comes before a mending goes to standard error."""
    from iris_migrate.commands.session import say
    from iris_migrate.reports.diagnosis import diagnosis_document, diagnosis_lines
    from iris_migrate.reports.show import show_json, show_lines

    plans = {cause.id: session.diagnostician.plan(cause) for cause in diagnosis.named}
    if quiet:
        for line in diagnosis_lines(result, diagnosis, plans):
            say(line)
    elif form == "json":
        show_json(diagnosis_document(result, diagnosis, plans))
    else:
        show_lines(diagnosis_lines(result, diagnosis, plans))
