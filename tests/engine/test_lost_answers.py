"""A creating call whose answer is lost: looked for, never sent twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from iris_migrate.changes import AwsCall
from iris_migrate.connections.aws import AwsConnection
from iris_migrate.engine.carriers import Carriers, Failed
from iris_migrate.findings import Finding, Verdict
from iris_migrate.resources.ec2 import ElasticIp, SecurityGroup
from iris_migrate.values import StepKey
from tests.connections.answering import Answering, http
from tests.connections.clock import JumpingClock

LISTED = """<DescribeAddressesResponse><addressesSet>{}</addressesSet></DescribeAddressesResponse>"""
ADDRESS = "<item><publicIp>192.0.2.10</publicIp><allocationId>eipalloc-1</allocationId></item>"
Connect = Callable[[Answering], Carriers]


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def connect(clock: JumpingClock, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Carriers over a real connection to scripted answers. They need nothing else for a call to AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "example")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_PROFILE", raising=False)

    def carriers(server: Answering) -> Carriers:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        aws = AwsConnection(region="us-east-1", clock=clock)
        unused = cast(Any, None)
        return Carriers(aws=aws, workstation=unused, host=unused, record=unused, clock=clock, archive=unused)

    return carriers


def allocation() -> AwsCall:
    resource = ElasticIp(key=StepKey("m", "elastic-ip"), now=0.0, name="iris", instance="i-1")
    change = resource.plan(Finding(Verdict.ABSENT))[0]
    assert isinstance(change, AwsCall)
    return change


def operations(server: Answering) -> list[str]:
    return [request.rpartition(b"Action=")[2].split(b"&")[0].decode() for request in server.requests]


async def test_what_was_made_is_found_with_its_answers(connect: Connect) -> None:
    change = allocation()
    with Answering([b"", http("200 OK", LISTED.format("")), http("200 OK", LISTED.format(ADDRESS))]) as server:
        result = await connect(server).carry(change, change, "id", lambda lines: None)
    assert result.state == "found"
    assert result.answers == {"allocation_id": "eipalloc-1", "public_ip": "192.0.2.10"}
    assert operations(server) == ["AllocateAddress", "DescribeAddresses", "DescribeAddresses"]


async def test_what_is_not_seen_for_a_minute_has_failed(connect: Connect, clock: JumpingClock) -> None:
    change, started = allocation(), clock.now()
    with (
        Answering([b"", http("200 OK", LISTED.format(""))]) as server,
        pytest.raises(Failed, match="it was not carried out"),
    ):
        await connect(server).carry(change, change, "id", lambda lines: None)
    assert clock.now() - started >= 60
    assert operations(server).count("AllocateAddress") == 1


DUPLICATE = http(
    "400 Bad Request",
    "<Response><Errors><Error><Code>InvalidGroup.Duplicate</Code><Message>exists</Message></Error></Errors></Response>",
)
GROUPS = (
    """<DescribeSecurityGroupsResponse><securityGroupInfo>{}</securityGroupInfo></DescribeSecurityGroupsResponse>"""
)
GROUP = "<item><groupId>sg-1</groupId></item>"


def group() -> AwsCall:
    resource = SecurityGroup(key=StepKey("m", "security-group"), now=0.0, name="iris")
    change = resource._create()
    assert isinstance(change, AwsCall)
    return change


async def test_a_name_that_is_taken_by_our_own_earlier_call_is_found(connect: Connect) -> None:
    change = group()
    with Answering([DUPLICATE, http("200 OK", GROUPS.format(GROUP))]) as server:
        result = await connect(server).carry(change, change, "id", lambda lines: None)
    assert (result.state, result.answers) == ("found", {"group": "sg-1"})


async def test_a_name_that_somebody_else_took_is_said(connect: Connect) -> None:
    change = group()
    with (
        Answering([DUPLICATE, http("200 OK", GROUPS.format(""))]) as server,
        pytest.raises(Failed, match=r"InvalidGroup\.Duplicate"),
    ):
        await connect(server).carry(change, change, "id", lambda lines: None)
