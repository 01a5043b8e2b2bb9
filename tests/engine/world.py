"""A session over the sandbox resources: real workstation, real record, a clock that jumps."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iris_migrate.changes import Change, OperatorAsk
from iris_migrate.connections.web import WebConnection
from iris_migrate.connections.workstation import Workstation
from iris_migrate.engine.carriers import Carriers
from iris_migrate.engine.consent import Choice, Decision, Failure
from iris_migrate.engine.events import Event
from iris_migrate.engine.executor import Executor
from iris_migrate.engine.inspection import Inspection
from iris_migrate.engine.journal import JournalSlice
from iris_migrate.engine.lease import Lease
from iris_migrate.engine.record import Record
from iris_migrate.engine.run import Run
from iris_migrate.engine.secrets import Secrets
from iris_migrate.engine.target import LiveTarget
from iris_migrate.findings import Finding
from iris_migrate.language.checklist import Checklist, Phase, SecretSource, Step
from iris_migrate.values import StepKey
from tests.engine import sandbox

sys.modules["iris_migrate.resources.sandbox"] = sandbox


class JumpingClock:
    """Waiting takes no time; the hands move, a little with every look at them."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        self.time += 0.001
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Person:
    """Answers by rule and remembers what was asked."""

    decisions: list[Decision] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    on_failure: list[Decision] = field(default_factory=list)
    shown: list[tuple[str, tuple[Change, ...], str]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    before_answering: Any = None
    patience: float = 60.0

    async def consent(self, step: Step, finding: Finding, changes: Sequence[Change], again: str) -> Decision:
        self.shown.append((step.id, tuple(changes), again))
        if self.before_answering is not None:
            self.before_answering(step.id, again)
        return self.decisions.pop(0) if self.decisions else Decision(Choice.APPLY)

    async def answer(self, step: Step, ask: OperatorAsk) -> tuple[str, str] | None:
        said = self.answers.get(step.id)
        return None if said is None else (said, "tester")

    async def failed(self, failure: Failure) -> Decision:
        self.failures.append(failure)
        return self.on_failure.pop(0) if self.on_failure else Decision(Choice.STOP)

    async def secret(self, name: str, where: str) -> str | None:
        return self.secrets.get(name)

    async def trust_host_key(self, address: str, fingerprint: str) -> bool:
        return False

    async def take_over(self, holder: str, since: float) -> bool:
        return False


@dataclass
class World:
    """A run over these steps; `again()` is the program started anew on the same record."""

    folder: Path
    steps: tuple[Step, ...]
    person: Person = field(default_factory=Person)
    environment: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    listeners: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = JumpingClock()
        self.again()

    def again(self) -> Run:
        secrets = {"password": SecretSource("password", "env", "PASSWORD")}
        checklist = Checklist("test", "Test", "d", (Phase("1", "One"),), self.steps, secrets=secrets)
        self.secrets = Secrets(secrets, self.environment)
        self.record = Record(self.folder / "state" / "m.sqlite")
        workstation = Workstation()
        target = LiveTarget(
            checklist, aws=NoAws(), local=workstation, web=WebConnection(), clock=self.clock, secrets=self.secrets,
            record=self.record, state=self.folder / "state", trust_host_key=self.person.trust_host_key,
        )  # fmt: skip
        inspection = Inspection(checklist, target, self._key, self._emit, self.secrets.hide)
        carriers = Carriers(
            aws=NoAws(), workstation=workstation, host=target.connection, record=self.record, clock=self.clock,
            archive=None,
        )  # fmt: skip
        executor = Executor(
            record=self.record, carriers=carriers, secrets=self.secrets, clock=self.clock, emit=self._emit
        )
        lease = Lease(
            self.folder / "state" / "m.lock", migration="m", target=target, record=self.record, state_folder="/none"
        )
        number = self.record.start_run(self.clock.now(), "test", "d", {}, "tester")
        self.run = Run(
            number, checklist, inspection, executor, self.record, lease, self.secrets,
            JournalSlice(target, self.record, self.secrets), self.person, self.clock, self._emit,
        )  # fmt: skip
        return self.run

    def _key(self, step_id: str) -> StepKey:
        return self.record.key("m", step_id)

    def _emit(self, event: Event) -> None:
        self.events.append(event)
        for listener in self.listeners:
            listener(event)

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


class NoAws:
    """These steps use no AWS."""

    account = ""

    def forget(self) -> None:
        pass


def step(name: str, resource: str, **options: Any) -> Step:
    """A step of the sandbox; `with_` and times as given."""
    return Step(id=name, phase="1", title=name, resource=f"sandbox.{resource}", **options)
