"""The operator of a run without a terminal: consents to what needs no eye, answers from a file, stops at the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from iris_migrate.changes import Change, OperatorAsk
from iris_migrate.describe import details, summary
from iris_migrate.engine.consent import Choice, Decision, Failure, confirmation
from iris_migrate.engine.explanation import failure_lines
from iris_migrate.exits import MISSING, OK, WAITING, WRONG
from iris_migrate.findings import Finding
from iris_migrate.language.checklist import Step

# Why a run was stopped, and the exit code that follows.
_CODES = {"changed": WAITING, "destroys": WAITING, "operator": WAITING, "failed": WRONG, "missing": MISSING}


@dataclass
class AutoOperator:
    """Consents to risk none, costs and interrupts; `destroys` wants the phrase. `stopped` says why it ended a run."""

    say: Callable[[str], None]
    answers: Mapping[str, str] = field(default_factory=dict)
    answers_by: str = "answers file"
    phrases: Sequence[str] = ()
    where: str = ""  # account and region, for phrases
    patience: float = 60.0
    stopped: str = ""  # "": not stopped · changed · destroys · operator · failed · missing
    _asked: set[str] = field(default_factory=set)

    async def consent(self, step: Step, finding: Finding, changes: Sequence[Change], again: str) -> Decision:
        self.stopped = ""
        self.say(f"{step.id}: {step.title}" + (f"  [{step.risk}]" if step.risk != "none" else ""))
        for change in changes:
            self.say(f"    {summary(change)}")
            for line in details(change):
                self.say(f"        {line}")
        if again:
            self.say(f"{step.id}: {again}. Look at it, then start again.")
            return self._stop("changed")
        if step.risk == "destroys" and (phrase := confirmation(self.where, changes)) not in self.phrases:
            self.say(f"{step.id}: this destroys something. To agree to exactly this: --confirm '{phrase}'")
            return self._stop("destroys")
        return Decision(Choice.APPLY)

    async def answer(self, step: Step, ask: OperatorAsk) -> tuple[str, str] | Decision | None:
        said = self.answers.get(step.id)
        if said is not None:
            return said, self.answers_by
        if step.id not in self._asked:
            self._asked.add(step.id)
            self.say(f"{step.id}: {ask.question}")
            for line in str(ask.instructions).strip().splitlines():
                self.say(f"    {line}")
            self.say(f"    It is looked for, then the run stops. To answer it: --answers FILE, with {step.id}: yes")
        self.stopped = "operator"
        return None

    async def failed(self, failure: Failure) -> Decision:
        for line in failure_lines(failure):
            self.say(line)
        return self._stop("missing" if failure.missing else "failed")

    async def secret(self, name: str, where: str) -> str | None:
        self.say(where)
        self.stopped = "operator"
        return None

    async def trust_host_key(self, address: str, fingerprint: str) -> bool:
        self.say(f"{address} shows the unknown host key {fingerprint}, and nobody is here to compare it.")
        self.stopped = "missing"
        return False

    async def take_over(self, holder: str, since: float) -> bool:
        return False

    def exit_code(self, result: int) -> int:
        """The exit code of a run whose result has this one: why it was stopped outranks what is still open."""
        return OK if result == OK else _CODES.get(self.stopped, result)

    def _stop(self, why: str) -> Decision:
        self.stopped = why
        return Decision(Choice.STOP)
