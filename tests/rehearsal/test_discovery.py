"""Discovery on the practice AWS: everything around the function is found, nothing is changed, values stay hidden."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from iris_migrate.connections.aws import AwsConnection
from iris_migrate.engine import discovery
from iris_migrate.engine.access import access, needs
from iris_migrate.engine.clock import SystemClock
from iris_migrate.language.load import load
from iris_migrate.language.settings import declarations
from iris_migrate.rehearsal.launch import World
from tests.rehearsal.conftest import Control

pytestmark = pytest.mark.slow


@pytest.fixture
def aws(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsConnection]:
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    yield AwsConnection(region="us-east-1", clock=SystemClock())


async def test_the_old_side_is_found_and_fills_the_settings(aws: AwsConnection, world: World) -> None:
    calls = Control(world).calls()
    await aws.open()
    functions = {one.name: one for one in await discovery.functions(aws)}
    seen = await discovery.old_side(aws, functions["iris-backend"], time.time())
    assert seen.missing == {}
    assert seen.api is not None
    assert seen.api.authorizer == "iris-authorizer"
    assert seen.api.routes == ("ANY /api/iris/{proxy+}", "GET /api/iris/health", "POST /api/iris/analyze")
    assert seen.api.guarded == ("ANY /api/iris/{proxy+}", "POST /api/iris/analyze")
    assert (seen.repository, seen.images) == ("iris-backend", 4)
    assert seen.traffic is not None
    assert len(seen.traffic.days) == discovery.DAYS
    assert seen.traffic.total > 0

    discover = {item.name: item.discover for item in declarations("lambda-to-ec2") if item.discover}
    filled = discovery.fill(discover, seen, "us-east-1")
    assert filled["old_endpoint"].value == seen.api.endpoint
    assert filled["lambda.function"].value == "iris-backend"
    assert filled["iris_api_keys"].value == world.env["IRIS_API_KEYS"]
    assert filled["openai_api_key"].value == world.env["OPENAI_API_KEY"]
    for secret in (world.env["IRIS_API_KEYS"], world.env["OPENAI_API_KEY"]):
        assert secret not in repr(seen) + repr(filled)

    made = Control(world).calls()[len(calls) :]
    assert {f"{call['service']}:{call['operation']}" for call in made if call.get("write")} == set()


async def test_a_part_that_may_not_be_read_is_named_and_the_rest_is_there(aws: AwsConnection, world: World) -> None:
    Control(world).post("faults", {"add": "no-permission=cloudwatch:GetMetricStatistics"})
    try:
        functions = {one.name: one for one in await discovery.functions(aws)}
        seen = await discovery.old_side(aws, functions["iris-backend"], time.time())
    finally:
        Control(world).post("faults", {"mend": "no-permission"})
    assert set(seen.missing) == {"traffic"}
    assert seen.traffic is None
    assert seen.api is not None


async def test_permissions_add_up_for_each_phase(aws: AwsConnection) -> None:
    identity = await aws.open()
    parts = needs(load("lambda-to-ec2"))
    found = await access(aws, identity.arn, parts)
    assert [one.part for one in found] == list(parts)
    assert all(one.allowed or one.denied or one.unknown for one in found)
