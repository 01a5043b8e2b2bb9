"""The frontend without screens: numbered questions, one line at a time, for dumb terminals and screen readers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from iris_migrate.changes import Change, OperatorAsk
from iris_migrate.describe import details, summary
from iris_migrate.engine.consent import Choice, Decision, Failure, confirmation
from iris_migrate.engine.explanation import failure_lines
from iris_migrate.exits import MISSING, OK, WAITING, WRONG
from iris_migrate.findings import Finding, Verdict
from iris_migrate.language.checklist import Step
from iris_migrate.terminal import Terminal

SHOWN = 40  # lines of a plan that are shown without being asked for
_STOP = Decision(Choice.STOP)


@dataclass
class PlainOperator:
    """The person at a terminal. Without one nothing is asked: the run stops."""

    terminal: Terminal
    where: str = ""  # account and region, for phrases
    now: Callable[[], float] = time.time
    patience: float = float("inf")  # a deed is waited for as long as the step allows
    stopped: str = ""  # "": not stopped · nobody · operator · missing · failed
    _phase: str = ""  # the phase to the end of which was agreed
    _watching: set[str] = field(default_factory=set)  # steps whose deed is waited for without asking again

    # A plan

    async def consent(self, step: Step, finding: Finding, changes: Sequence[Change], again: str) -> Decision:
        self._introduce(step, finding)
        if again:
            self.terminal.say(f"Shown again: {again}.")
        self._plan(changes)
        risk = {"costs": "It costs money.", "interrupts": "It interrupts the service.", "destroys": "It destroys."}
        if step.risk in risk:
            self.terminal.say(f"Risk: {risk[step.risk]}")
        if step.risk == "destroys":
            return await self._destroy(changes)
        if step.risk == "none" and self._phase == step.phase and not again:
            return Decision(Choice.APPLY)
        return await self._decide(step, changes)

    async def _decide(self, step: Step, changes: Sequence[Change]) -> Decision:
        choices = {"apply": "apply", "skip": "skip", "waive": "waive", "show": "show all of it",
                   "phase": "apply, and what is without risk to the end of the phase", "stop": "stop"}  # fmt: skip
        while True:
            match await self.terminal.choose(choices, fresh=step.risk != "none"):
                case "apply":
                    return Decision(Choice.APPLY)
                case "phase":
                    self._phase = step.phase
                    return Decision(Choice.APPLY)
                case "skip":
                    return Decision(Choice.SKIP)
                case "waive":
                    if (waiver := await self._waiver()) is not None:
                        return waiver
                case "show":
                    self._plan(changes, everything=True)
                case None | "stop":
                    return self._stop()

    async def _destroy(self, changes: Sequence[Change]) -> Decision:
        phrase = confirmation(self.where, changes)
        self.terminal.say(f"To agree, type exactly: {phrase}")
        typed = await self.terminal.ask("Phrase, or Enter to leave it:", fresh=True)
        if typed is None:
            return self._stop()
        if typed.strip() == phrase:
            return Decision(Choice.APPLY)
        self.terminal.say("That is not the phrase. It was left as it is." if typed.strip() else "Left as it is.")
        return Decision(Choice.SKIP)

    def _introduce(self, step: Step, finding: Finding) -> None:
        self.terminal.say()
        self.terminal.say(f"Step {step.id}: {step.title}")
        for line in step.why.strip().splitlines():
            self.terminal.say(f"  {line}")
        for item in finding.evidence:
            if item.verdict is not Verdict.HOLDS:
                self.terminal.say(f"Now: {item.asked}: expected {item.expected}, seen {item.seen}")

    def _plan(self, changes: Sequence[Change], *, everything: bool = False) -> None:
        self.terminal.say("Plan:")
        for number, change in enumerate(changes, 1):
            self.terminal.say(f"  {number}. {summary(change)}")
            lines = details(change)
            for line in lines if everything else lines[:SHOWN]:
                self.terminal.say(f"       {line}")
            if len(lines) > SHOWN and not everything:
                self.terminal.say(f"       … {len(lines) - SHOWN} more lines")

    async def _waiver(self) -> Decision | None:
        reason = await self.terminal.ask("Reason for the waiver, or Enter to go back:")
        if not reason or not reason.strip():
            return None
        days = await self.terminal.ask("For how many days? Enter: without end.")
        until = self.now() + int(days) * 86400 if days and days.strip().isdigit() else None
        return Decision(Choice.WAIVE, reason.strip(), until)

    # What only a person can do

    async def answer(self, step: Step, ask: OperatorAsk) -> tuple[str, str] | Decision | None:
        if step.id in self._watching:
            if not self.terminal.typed():
                return None
            self._watching.discard(step.id)
        self.terminal.say()
        self.terminal.say(f"Step {step.id}: {ask.question}")
        for line in str(ask.instructions).strip().splitlines():
            self.terminal.say(f"  {line}")
        answers = {f"answer {said}": said for said in ask.choices or ("yes",)}
        more = {"watch": "wait until it is seen", "skip": "skip", "waive": "waive", "stop": "stop"}
        while True:
            match await self.terminal.choose({**answers, **more}, fresh=True):
                case "watch":
                    self._watching.add(step.id)
                    self.terminal.say("It is looked for. Press Enter to be asked again.")
                    return None
                case "skip":
                    return Decision(Choice.SKIP)
                case "waive":
                    if (waiver := await self._waiver()) is not None:
                        return waiver
                case None | "stop":
                    return self._stop()
                case said:
                    return answers[said], self._who()

    async def secret(self, name: str, where: str) -> str | None:
        self.terminal.say(where)
        return await self.terminal.secret(f"{name} (not shown while you type; Enter: stop):") or None

    # When something is wrong

    async def failed(self, failure: Failure) -> Decision:
        self.terminal.say()
        for line in failure_lines(failure):
            self.terminal.say(line)
        choices = {"retry": "retry", "waive": "waive", "undo": "undo what the step changed", "skip": "skip",
                   "stop": "stop"}  # fmt: skip
        while True:
            match await self.terminal.choose(choices, fresh=True):
                case "waive":
                    if (waiver := await self._waiver()) is not None:
                        return waiver
                case None | "stop":
                    self._stop()
                    self.stopped = "missing" if failure.missing else "failed"
                    return _STOP
                case choice:
                    return Decision(Choice(choice))

    async def trust_host_key(self, address: str, fingerprint: str) -> bool:
        self.terminal.say(f"{address} shows the host key {fingerprint}, and nothing vouches for it.")
        self.terminal.say("Compare it with the instance's console output.")
        typed = await self.terminal.ask("Type yes when it is the same:", fresh=True)
        return (typed or "").strip().lower() == "yes"

    async def take_over(self, holder: str, since: float) -> bool:
        begun = time.strftime("%Y-%m-%d %H:%M", time.localtime(since))
        self.terminal.say(f"{holder} has been working on this migration since {begun}.")
        typed = await self.terminal.ask("Type yes to take it over:", fresh=True)
        return (typed or "").strip().lower() == "yes"

    def _stop(self) -> Decision:
        self.stopped = "operator" if self.terminal.attended else "nobody"
        return _STOP

    def exit_code(self, result: int) -> int:
        """The exit code of a run whose result has this one: why it was stopped outranks what is still open."""
        codes = {"nobody": WAITING, "operator": WAITING, "missing": MISSING, "failed": WRONG}
        return OK if result == OK else codes.get(self.stopped, result)

    @staticmethod
    def _who() -> str:
        import getpass

        return getpass.getuser()
