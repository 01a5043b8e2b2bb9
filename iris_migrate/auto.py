"""The operator of a run without a terminal: consents to what needs no eye, answers from a file, stops at the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from iris_migrate.changes import Change, OperatorAsk
from iris_migrate.describe import details, summary
from iris_migrate.engine.consent import Choice, Decision, Failure
from iris_migrate.findings import Finding
from iris_migrate.language.checklist import Step


@dataclass
class AutoOperator:
    """Consents to risk none, costs and interrupts; `destroys` wants the phrase. `stopped` says why it ended a run."""

    say: Callable[[str], None]
    answers: Mapping[str, str] = field(default_factory=dict)
    answers_by: str = "answers file"
    phrase: str = ""
    patience: float = 60.0
    stopped: str = ""  # "": not stopped · changed · destroys · failed · operator

    async def consent(self, step: Step, finding: Finding, changes: Sequence[Change], again: str) -> Decision:
        self.say(f"{step.id}: {step.title}" + (f"  [{step.risk}]" if step.risk != "none" else ""))
        for change in changes:
            self.say(f"    {summary(change)}")
            for line in details(change):
                self.say(f"        {line}")
        if again:
            self.stopped = "changed"
            self.say(f"{step.id}: {again}; look at it and start again.")
            return Decision(Choice.STOP)
        if step.risk == "destroys" and not self.phrase:
            self.stopped = "destroys"
            self.say(f"{step.id}: this destroys something; give --confirm PHRASE to agree.")
            return Decision(Choice.STOP)
        return Decision(Choice.APPLY)

    async def answer(self, step: Step, ask: OperatorAsk) -> tuple[str, str] | None:
        said = self.answers.get(step.id)
        return None if said is None else (said, self.answers_by)

    async def failed(self, failure: Failure) -> Decision:
        self.stopped = "failed"
        self.say(f"✗ {failure.step.id}: {failure.why}")
        for item in failure.evidence:
            self.say(f"    {item.asked}: expected {item.expected}, seen {item.seen}")
        for line in (*failure.lines[-20:], *failure.journal[-20:]):
            self.say(f"    | {line}")
        return Decision(Choice.STOP)

    async def secret(self, name: str, where: str) -> str | None:
        self.stopped = "operator"
        self.say(where)
        return None

    async def trust_host_key(self, address: str, fingerprint: str) -> bool:
        self.say(f"{address} shows the unknown host key {fingerprint}; nobody is here to compare it.")
        return False

    async def take_over(self, holder: str, since: float) -> bool:
        return False
