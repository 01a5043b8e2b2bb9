"""Target and executor over one practice host, as the engine puts them together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from iris_migrate.connections.host.connection import Address, HostConnection, Pin
from iris_migrate.connections.web import WebConnection
from iris_migrate.connections.workstation import Workstation
from iris_migrate.engine.archive import Archive
from iris_migrate.engine.carriers import Carriers
from iris_migrate.engine.clock import SystemClock
from iris_migrate.engine.executor import Executor
from iris_migrate.engine.record import Record
from iris_migrate.engine.secrets import Secrets
from iris_migrate.findings import Finding
from iris_migrate.language.checklist import Checklist, SecretSource
from iris_migrate.language.load import load
from iris_migrate.resources.base import Resource, build
from iris_migrate.values import StepKey, fill
from tests.practice_host import PracticeAccess


class Site:
    """Target and executor over one practice host, as the engine puts them together."""

    def __init__(
        self,
        access: PracticeAccess,
        connection: HostConnection,
        folder: Path,
        checklist: Checklist,
        secrets: Mapping[str, str],
    ) -> None:
        self.access, self.connection, self.checklist = access, connection, checklist
        self.host, self.local, self.web, self.clock = connection.facts, Workstation(), WebConnection(), SystemClock()
        self.record = Record(folder / "record.sqlite")
        self.backups = folder / "backups"
        self.secrets = Secrets({name: SecretSource(name, "env", name) for name in secrets}, dict(secrets))

        async def opened() -> HostConnection:
            return connection

        carriers = Carriers(
            aws=None, workstation=self.local, host=opened, record=self.record, clock=self.clock,
            archive=Archive(self.backups).save,
        )  # fmt: skip
        self.executor = Executor(
            record=self.record, carriers=carriers, secrets=self.secrets, clock=self.clock, emit=lambda _: None
        )

    @property
    def root(self) -> Path:
        return self.access.root

    async def answer(self, step: str) -> str | None:
        found = self.record.answer(step)
        return found[0] if found else None

    async def matches(self, path: str, content: Any) -> bool:
        filled = fill(content, lambda special: self.secrets.value(special.name))
        return await self.connection.matches(path, str(filled).encode())

    def step(self, step_id: str, **other: Any) -> Resource:
        """A step of the shipped checklist, as compiled for this host."""
        step = self.checklist.step(step_id)
        return build(step.resource, {**step.with_, **other}, StepKey("m", step_id), self.clock.now())

    async def look(self, resource: Resource) -> Finding:
        self.connection.forget()
        return await resource.inspect(self)  # type: ignore[arg-type]

    async def make(self, resource: Resource) -> tuple[Finding, Finding]:
        """Plan and carry out; before and after."""
        before = await self.look(resource)
        await self.carry_out(resource, resource.plan(before), before)
        return before, await self.look(resource)

    async def undo(self, resource: Resource, before: Finding, after: Finding) -> Finding:
        await self.carry_out(resource, resource.undo(before, after), after)
        return await self.look(resource)

    async def carry_out(self, resource: Resource, changes: list[Any], before: Finding) -> None:
        outcome = await self.executor.execute(None, resource.key, changes, before)
        assert outcome.failed is None, (outcome.error, outcome.lines)


@asynccontextmanager
async def opened(
    access: PracticeAccess, folder: Path, flags: Mapping[str, str], secrets: Mapping[str, str]
) -> AsyncIterator[Site]:
    """A site of the shipped checklist over a running practice host."""
    checklist = load("lambda-to-ec2", flags=flags)
    pin = Pin("i-1", tuple(line.split()[0] for line in access.host.fingerprints))
    address = Address(access.address, access.port, "ubuntu", str(access.key), str(access.root))
    connection = HostConnection(address, pin, clock=SystemClock(), known_hosts=folder / "known_hosts")
    await connection.open()
    try:
        yield Site(access, connection, folder, checklist, secrets)
    finally:
        await connection.close()


def put(path: Path, text: str, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path
