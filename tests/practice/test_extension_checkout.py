"""The extension's checkout on this workstation: the endpoint found, replaced, compiled, and all of it undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iris_migrate.connections.workstation import Workstation
from iris_migrate.engine.carriers import Carriers
from iris_migrate.engine.clock import SystemClock
from iris_migrate.engine.executor import Executor
from iris_migrate.engine.record import Record
from iris_migrate.engine.secrets import Secrets
from iris_migrate.findings import Finding, Verdict
from iris_migrate.rehearsal.extension import BUNDLE, compile_command, make_checkout
from iris_migrate.resources.base import Resource, build
from iris_migrate.values import StepKey

OLD = "https://abc123.execute-api.us-east-1.amazonaws.com"
NEW = "https://iris.example.com"


class Desk:
    """Target and executor of a workstation alone."""

    def __init__(self, folder: Path) -> None:
        self.checkout = make_checkout(folder / "iris-vscode", OLD)
        self.local, self.clock = Workstation(), SystemClock()
        carriers = Carriers(
            aws=None, workstation=self.local, host=None, record=Record(folder / "r.sqlite"), clock=self.clock,
            archive=None,
        )  # fmt: skip
        self.executor = Executor(
            record=Record(folder / "record.sqlite"), carriers=carriers, secrets=Secrets({}, {}), clock=self.clock,
            emit=lambda _: None,
        )  # fmt: skip

    def resource(self, kind: str, **with_: Any) -> Resource:
        named = {"checkout": str(self.checkout), **with_}
        return build(kind, named, StepKey("m", kind.replace(".", "-")), self.clock.now())

    async def look(self, resource: Resource) -> Finding:
        return await resource.inspect(self)  # type: ignore[arg-type]

    async def carry_out(self, resource: Resource, changes: list[Any], before: Finding) -> Finding:
        outcome = await self.executor.execute(None, resource.key, changes, before)
        assert outcome.failed is None, (outcome.error, outcome.lines)
        return await self.look(resource)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_the_endpoint_is_replaced_compiled_and_put_back(desk: Desk) -> None:
    endpoint = desk.resource("extension.endpoint", old=OLD, new=NEW)
    compiled = desk.resource("extension.compiled", old=OLD, new=NEW, command=compile_command())
    bundle = desk.checkout / BUNDLE
    sources_before = await desk.look(endpoint)
    bundle_before = await desk.look(compiled)
    assert sources_before.verdict is Verdict.DIFFERS
    assert bundle_before.verdict is Verdict.ABSENT

    sources_after = await desk.carry_out(endpoint, endpoint.plan(sources_before), sources_before)
    assert sources_after.verdict is Verdict.HOLDS
    assert OLD in bundle.read_text(), "the compiler writes the bundle, not the edit"
    bundle_after = await desk.carry_out(compiled, compiled.plan(bundle_before), bundle_before)
    assert bundle_after.verdict is Verdict.HOLDS, bundle_after
    assert NEW in bundle.read_text()

    assert (await desk.carry_out(endpoint, endpoint.undo(sources_before, sources_after), sources_after)).verdict is (
        Verdict.DIFFERS
    )
    await desk.carry_out(compiled, compiled.undo(bundle_before, bundle_after), bundle_after)
    assert OLD in bundle.read_text()
    assert NEW not in bundle.read_text()


async def test_a_source_edited_after_compiling_is_noticed(desk: Desk) -> None:
    import os

    compiled = desk.resource("extension.compiled", old="", new=OLD, command=compile_command())
    assert (await desk.look(compiled)).verdict is Verdict.HOLDS
    source = next(desk.checkout.glob("packages/*/src/extension.ts"))
    later = (desk.checkout / BUNDLE).stat().st_mtime + 10
    os.utime(source, (later, later))
    assert (await desk.look(compiled)).verdict is Verdict.DIFFERS


async def test_a_removed_key_header_is_noticed(desk: Desk) -> None:
    kept = desk.resource("extension.api_key_header", header="x-api-key")
    assert (await desk.look(kept)).verdict is Verdict.HOLDS
    for path in desk.checkout.glob("packages/*/src/*.ts"):
        path.write_text(path.read_text().replace("x-api-key", "x-nothing"))
    assert (await desk.look(kept)).verdict is Verdict.DIFFERS
