"""The guided flow at the numbered frontend: where it stands, what can be done, the run, how it ended."""

from __future__ import annotations

import argparse
import os
import sys
from asyncio import CancelledError
from collections.abc import Mapping

from iris_migrate.commands.migrate import say_cost
from iris_migrate.commands.session import opened, say, unfinished
from iris_migrate.engine.results import CheckResult
from iris_migrate.engine.session import Session
from iris_migrate.exits import WAITING
from iris_migrate.narration import Narrator
from iris_migrate.plain import PlainOperator
from iris_migrate.reports.show import show, show_lines
from iris_migrate.reports.text import ago, lines_of, phase_line, step_lines, summary_line, when
from iris_migrate.terminal import Terminal


async def guided(args: argparse.Namespace) -> int:
    """Look, show where it stands, and run when told to. Without anybody to answer it stops before a change."""
    out = sys.stderr if args.format == "json" else sys.stdout
    terminal = Terminal(out)
    operator = PlainOperator(terminal)
    async with opened(args, operator) as session:
        operator.where = session.where
        return await _Guide(session, terminal, operator, args.format).go()


class _Guide:
    """One sitting at one checklist."""

    def __init__(self, session: Session, terminal: Terminal, operator: PlainOperator, form: str) -> None:
        self._session, self._terminal, self._operator, self._form = session, terminal, operator, form

    async def go(self) -> int:
        self._head()
        result = await self._look()
        while True:
            if result.exit_code == 0:
                self._terminal.say("Everything holds. There is nothing to do.")
            if not self._terminal.attended:
                return self._unattended(result)
            if result.exit_code:
                await say_cost(self._session, self._terminal.say)
            match await self._terminal.choose(self._choices(result)):
                case "run":
                    return self._end(await self._run())
                case "steps":
                    show_lines(lines_of(result), self._terminal.out)
                case "look":
                    result = await self._look()
                case None | "quit":
                    return self._end(result)

    def _choices(self, result: CheckResult) -> Mapping[str, str]:
        last = self._session.record.last_run(self._session.checklist.name)
        begin = f"continue the run of {when(last[1])}" if last else "start"
        offers = {"run": begin} if result.exit_code else {}
        return {**offers, "steps": "list every step", "look": "look at everything again", "quit": "quit"}

    def _head(self) -> None:
        session = self._session
        rehearsal = "REHEARSAL: nothing real is touched. " if "IRIS_PRACTICE" in os.environ else ""
        self._terminal.say(f"{rehearsal}{session.checklist.title}")
        self._terminal.say(f"In {session.where}, migration {session.migration}")
        last = session.record.last_run(session.checklist.name)
        if last is not None:
            begun = f"begun {when(last[1])}, {ago(session.clock.now() - last[1])}"
            self._terminal.say(f"The last run, {begun}, ended: {last[3]}.")
        for line in unfinished(session):
            self._terminal.say(line)

    async def _look(self) -> CheckResult:
        count = len(self._session.checklist.steps)
        self._terminal.say(f"Looking at {count} step{'s' if count != 1 else ''} …")
        result = await self._session.inspect()
        self._terminal.say()
        for phase in result.phases:
            self._terminal.say(phase_line(result, phase))
        self._terminal.say(summary_line(result))
        return result

    async def _run(self) -> CheckResult:
        session = self._session
        self._operator.stopped = ""
        end_listening = session.listen(Narrator(self._terminal.say, session.checklist, brief=True))
        try:
            result = await session.run()
        except CancelledError:
            for line in unfinished(session):
                say(line)
            raise
        finally:
            end_listening()
        self._terminal.say()
        for phase in result.phases:
            self._terminal.say(phase_line(result, phase))
            for step in result.steps:
                if step.phase == phase and not step.status.settled:
                    self._terminal.say(step_lines(step)[0])
        self._terminal.say(summary_line(result))
        if self._operator.stopped:
            self._terminal.say("Stopped. Start again to go on where it was.")
        return result

    def _unattended(self, result: CheckResult) -> int:
        if result.exit_code == 0:
            return self._end(result)
        self._terminal.say("Nobody can answer here: standard input is no terminal. Use --auto, or a terminal.")
        self._end(result)
        return WAITING

    def _end(self, result: CheckResult) -> int:
        if self._form == "json":
            show(result, "json")
        return self._operator.exit_code(result.exit_code)
