"""`decommission`: lists what would go; with --execute and the phrase of that list, does it."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iris_migrate.auto import AutoOperator

if TYPE_CHECKING:
    from iris_migrate.changes import Change
    from iris_migrate.engine.consent import Decision
    from iris_migrate.findings import Finding
    from iris_migrate.language.checklist import Step

DESCRIPTION = """\
Lists what of the old side would go, which gates are open, what stays and what cannot be brought back. That changes
nothing. With --execute and the phrase that the list ends with it archives everything, switches the old endpoint off,
waits for the soak, and then deletes, and only what is on that list. Where time has to pass it ends with exit code 4;
started again later, it goes on."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--execute", action="store_true", help="do it; needs --confirm")
    parser.add_argument("--confirm", metavar="PHRASE", default="", help="the phrase that the list ends with")
    parser.add_argument(
        "--answers", metavar="FILE", help="YAML with a line `step-id: answer` for steps of the operator"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the result (default text)")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.interruption import run_interruptible
    from iris_migrate.engine.decommission import CHECKLIST
    from iris_migrate.exits import UsageError

    if args.execute and not args.confirm:
        raise UsageError("--execute needs --confirm with the phrase that `iris-migrate decommission` ends with.")
    args.checklist = CHECKLIST
    return run_interruptible(_execute(args) if args.execute else _list(args))


async def _list(args: argparse.Namespace) -> int:
    from iris_migrate.commands.session import looker, opened
    from iris_migrate.engine.bill import saves
    from iris_migrate.engine.decommission import listing
    from iris_migrate.reports import decommission as report
    from iris_migrate.reports.show import show_json, show_lines

    async with opened(args, looker()) as session:
        found = listing(session, await session.inspect())
        saved = await saves(session)
    if args.format == "json":
        show_json({**report.document(found), "saves": saved})
    else:
        show_lines([*report.lines(found), "", f"It {saved}."])
    return found.exit_code


@dataclass
class ConfirmedOperator(AutoOperator):
    """Consents to what destroys as long as the list and the gates are those that the phrase agreed to."""

    hindrance: Callable[[], Awaitable[str]] | None = None

    async def consent(self, step: Step, finding: Finding, changes: Sequence[Change], again: str) -> Decision:
        from iris_migrate.engine.consent import Choice, Decision, confirmation

        if step.risk == "destroys" and self.hindrance is not None:
            if why := await self.hindrance():
                self.say(f"{step.id}: not deleted: {why}")
                self.stopped = "destroys"
                return Decision(Choice.STOP)
            self.phrases = (confirmation(self.where, changes),)
        return await super().consent(step, finding, changes, again)


async def _execute(args: argparse.Namespace) -> int:
    from iris_migrate.commands.migrate import answers_of
    from iris_migrate.commands.session import opened, say
    from iris_migrate.engine.decommission import Agreed, listing
    from iris_migrate.exits import WAITING
    from iris_migrate.narration import Narrator
    from iris_migrate.reports import decommission as report
    from iris_migrate.reports.show import show_json, show_lines

    operator = ConfirmedOperator(say=say, answers=answers_of(args.answers), patience=1.0)
    async with opened(args, operator) as session:
        session.key_listeners.append(tell_key)
        operator.where = session.where
        before = listing(session, await session.inspect())
        if before.phrase != args.confirm:
            say(
                f"This is not the phrase of this list. Look at it (`iris-migrate decommission`); it is: {before.phrase}"
            )
            return WAITING
        operator.hindrance = Agreed(session, before.phrase).hindrance
        session.listen(Narrator(say, session.checklist, brief=True))
        after = listing(session, await session.run())
    if args.format == "json":
        show_json(report.document(after))
    else:
        show_lines([*(f"{gate.id}: {after.hindrance(gate)}" for gate in after.closed), report.sentence(after)])
    return operator.exit_code(after.exit_code)


def tell_key(text: str, path: str) -> None:
    from iris_migrate.commands.session import say

    say("The archive is encrypted. This key is shown once; keep it where the archive is not:")
    say(f"    {text}")
    say(f"On this machine it lies in {path}; elsewhere give it in IRIS_ARCHIVE_KEY.")
