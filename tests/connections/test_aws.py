"""AWS: who we are, reads that travel once, calls that are never sent twice, and every way of failing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from iris_migrate.connections.aws import (
    AnswerLost,
    AwsConnection,
    AwsUnavailable,
    CallPaced,
    CallSeen,
    Identity,
    cleaned,
    plain,
)
from iris_migrate.target import AwsError
from iris_migrate.values import Secret, Text, Unresolved
from tests.connections.answering import Answering, http
from tests.connections.clock import JumpingClock
from tests.connections.cloud import CloudProcess

WHO = """<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>
<Arn>arn:aws:iam::123456789012:user/operator</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"""
ALLOCATED = "<AllocateAddressResponse><allocationId>eipalloc-1</allocationId></AllocateAddressResponse>"
SLOW_DOWN = http(
    "503 Service Unavailable",
    "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.</Message></Error>"
    "</Errors><RequestID>r-1</RequestID></Response>",
)


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
async def aws(cloud: CloudProcess, clock: JumpingClock) -> AsyncIterator[AwsConnection]:
    connection = AwsConnection(region="us-east-1", clock=clock)
    await connection.open()
    yield connection


def asked(cloud: CloudProcess, after: int) -> list[str]:
    return [f"{call['service']}:{call['operation']}" for call in cloud.calls(after)]


# Who we are


async def test_it_says_who_we_are_and_where(cloud: CloudProcess, clock: JumpingClock) -> None:
    connection = AwsConnection(region="us-east-1", clock=clock)
    identity = await connection.open()
    assert isinstance(identity, Identity)
    assert (identity.account, identity.region) == ("123456789012", "us-east-1")
    assert identity.arn.startswith("arn:aws:")
    assert connection.account == "123456789012"


async def test_the_region_of_the_configuration_is_used_and_told(
    cloud: CloudProcess, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    connection = AwsConnection(clock=clock)
    assert (await connection.open()).region == "eu-central-1"
    assert connection.region == "eu-central-1"


async def cannot_open(clock: JumpingClock, **how: str) -> str:
    with pytest.raises(AwsUnavailable) as refusal:
        await AwsConnection(clock=clock, **{"region": "us-east-1", **how}).open()
    return str(refusal.value)


async def test_without_credentials_it_names_the_commands(
    cloud: CloudProcess, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    told = await cannot_open(clock)
    assert "No AWS credentials" in told
    assert "aws sso login" in told
    assert "aws configure" in told


async def test_an_expired_login_names_the_profile_to_log_in_with(
    cloud: CloudProcess, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    from pathlib import Path

    config = Path(str(tmp_path), "config")
    config.write_text("[profile work]\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    cloud.fault("expired-login")
    assert "aws sso login --profile work" in await cannot_open(clock, profile="work")


async def test_a_profile_that_is_not_there_is_named(cloud: CloudProcess, clock: JumpingClock) -> None:
    assert "no profile 'elsewhere'" in await cannot_open(clock, profile="elsewhere")


async def test_unknown_access_keys_are_told_from_an_expired_login(
    cloud: CloudProcess, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    assert "does not know these access keys" in await cannot_open(clock)


async def test_no_region_is_said_before_anything_travels(cloud: CloudProcess, clock: JumpingClock) -> None:
    assert "No AWS region" in await cannot_open(clock, region="")


async def test_a_region_that_cannot_be_one_is_named(cloud: CloudProcess, clock: JumpingClock) -> None:
    assert "aws.region" in await cannot_open(clock, region="us east/1")


async def test_nobody_at_the_endpoint(
    cloud: CloudProcess, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Answering([b""]) as gone:
        url = gone.url
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    assert "does not answer in us-east-1" in await cannot_open(clock)


async def test_a_proxy_that_answers_instead_is_suspected(
    cloud: CloudProcess, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Answering([http("200 OK", "<html>Please log in</html", "text/html")]) as portal:
        monkeypatch.setenv("AWS_ENDPOINT_URL", portal.url)
        assert "proxy" in await cannot_open(clock)


async def test_being_told_to_slow_down_at_the_start_is_waited_out(cloud: CloudProcess, clock: JumpingClock) -> None:
    cloud.fault("throttle", action="sts:GetCallerIdentity", times=2)
    assert (await AwsConnection(region="us-east-1", clock=clock).open()).account == "123456789012"
    assert clock.waits == [0.5, 1.0]


# Reading


async def test_the_same_question_travels_once_in_an_inspection(aws: AwsConnection, cloud: CloudProcess) -> None:
    before = len(cloud.calls())
    filters = ({"Name": "tag:app", "Values": ("x",)},)
    answers = await asyncio.gather(*(aws.read("ec2", "DescribeAddresses", Filters=filters) for _ in range(5)))
    assert all(answer == {"Addresses": []} for answer in answers)
    await aws.read("ec2", "DescribeAddresses")
    assert asked(cloud, before) == ["ec2:DescribeAddresses"] * 2
    aws.forget()
    await aws.read("ec2", "DescribeAddresses", Filters=filters)
    assert len(asked(cloud, before)) == 3


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others(aws: AwsConnection) -> None:
    first = asyncio.create_task(aws.read("ec2", "DescribeVpcs"))
    second = asyncio.create_task(aws.read("ec2", "DescribeVpcs"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second)["Vpcs"]
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_questions_travel_side_by_side(
    clock: JumpingClock, cloud: CloudProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are on their way before the first is answered: a barrier lets none through until all have come."""
    import threading

    connection = AwsConnection(region="us-east-1", clock=clock)
    await connection.open()
    together = threading.Barrier(8, timeout=20)
    ask = connection._ask

    def waiting(*what: object) -> object:
        together.wait()
        return ask(*what)  # type: ignore[arg-type]

    monkeypatch.setattr(connection, "_ask", waiting)
    names = [f"vol-{number}" for number in range(8)]
    filters = [[{"Name": "volume-id", "Values": [name]}] for name in names]
    answers = await asyncio.gather(*(connection.read("ec2", "DescribeVolumes", Filters=item) for item in filters))
    assert answers == [{"Volumes": []}] * 8


async def test_all_pages_are_joined(aws: AwsConnection, cloud: CloudProcess) -> None:
    for number in range(3):
        name = f"/pages/{number}"
        await aws.call("ssm", "PutParameter", {"Name": name, "Value": "x", "Type": "String"})
    before = len(cloud.calls())
    found = await aws.read_all("ssm", "GetParametersByPath", "Parameters[].Name", Path="/pages", MaxResults=1)
    assert sorted(found) == ["/pages/0", "/pages/1", "/pages/2"]
    assert len(asked(cloud, before)) >= 3


async def test_a_list_without_pages_is_one_call(aws: AwsConnection, cloud: CloudProcess) -> None:
    before = len(cloud.calls())
    assert await aws.read_all("ec2", "DescribeKeyPairs", "KeyPairs[].KeyName") == ()
    assert asked(cloud, before) == ["ec2:DescribeKeyPairs"]


async def test_looking_refuses_what_changes_something(aws: AwsConnection, cloud: CloudProcess) -> None:
    before = len(cloud.calls())
    with pytest.raises(ValueError, match="not a read"):
        await aws.read("ec2", "TerminateInstances", InstanceIds=["i-1"])
    with pytest.raises(ValueError, match="not a read"):
        await aws.read_all("ec2", "ReleaseAddress", "x")
    assert asked(cloud, before) == []


async def test_a_refusal_carries_the_code_and_the_action(aws: AwsConnection) -> None:
    with pytest.raises(AwsError) as refusal:
        await aws.read("ec2", "DescribeInstances", InstanceIds=["i-0123456789abcdef0"])
    assert refusal.value.code == "InvalidInstanceID.NotFound"
    assert refusal.value.action == "ec2:DescribeInstances"


async def test_a_missing_permission_names_the_action_and_where_to_look(aws: AwsConnection, cloud: CloudProcess) -> None:
    cloud.fault("no-permission", action="ec2:DescribeSubnets")
    with pytest.raises(AwsError, match=r"lacks ec2:DescribeSubnets.*iris-migrate permissions"):
        await aws.read("ec2", "DescribeSubnets")


async def test_parameters_that_aws_does_not_know_are_a_refusal_too(aws: AwsConnection) -> None:
    with pytest.raises(AwsError) as refusal:
        await aws.read("ec2", "DescribeInstances", NoSuchThing=1)
    assert refusal.value.code == "ParamValidation"


# Patience


async def test_being_told_to_slow_down_is_waited_out_and_told(
    aws: AwsConnection, cloud: CloudProcess, clock: JumpingClock
) -> None:
    told: list[CallSeen | CallPaced] = []
    aws.listen(told.append)
    cloud.fault("throttle", action="ec2:DescribeImages", times=2)
    answer = await aws.read("ec2", "DescribeImages", Owners=["self"])
    assert answer["Images"] == []
    assert clock.waits == [0.5, 1.0]
    waits = [item for item in told if isinstance(item, CallPaced)]
    assert [(item.seconds, item.why) for item in waits] == [
        (0.5, "RequestLimitExceeded"),
        (1.0, "RequestLimitExceeded"),
    ]


async def test_patience_ends(aws: AwsConnection, cloud: CloudProcess, clock: JumpingClock) -> None:
    cloud.fault("throttle", action="ec2:DescribeImages", times=99)
    with pytest.raises(AwsError) as refusal:
        await aws.read("ec2", "DescribeImages", Owners=["self"])
    assert refusal.value.code == "RequestLimitExceeded"
    assert len(clock.waits) == 4


async def test_api_gateway_is_given_a_minute(aws: AwsConnection, cloud: CloudProcess, clock: JumpingClock) -> None:
    cloud.fault("throttle", action="apigatewayv2:GetApis", times=9)
    assert (await aws.read("apigatewayv2", "GetApis"))["Items"] == []
    assert 50 < sum(clock.waits) < 120


# Changing


@pytest.fixture
def alone(cloud: CloudProcess, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch) -> object:
    """A connection to scripted answers; they go to EC2's calls."""

    def connect(server: Answering) -> AwsConnection:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        return AwsConnection(region="us-east-1", clock=clock)

    return connect


async def test_a_call_that_makes_a_thing_is_never_sent_again_after_a_lost_answer(alone) -> None:
    with Answering([b""]) as server:
        with pytest.raises(AnswerLost):
            await alone(server).call("ec2", "AllocateAddress", {"Domain": "vpc"})
        assert len(server.requests) == 1


async def test_a_server_error_leaves_it_open_too(alone) -> None:
    broken = http(
        "500 Internal Server Error", "<Response><Errors><Error><Code>InternalError</Code></Error></Errors></Response>"
    )
    with Answering([broken]) as server:
        with pytest.raises(AnswerLost):
            await alone(server).call("ec2", "AllocateAddress", {"Domain": "vpc"})
        assert len(server.requests) == 1


async def test_a_refusal_to_do_it_now_is_sent_again(alone, clock: JumpingClock) -> None:
    with Answering([SLOW_DOWN, http("200 OK", ALLOCATED)]) as server:
        answer = await alone(server).call("ec2", "AllocateAddress", {"Domain": "vpc"})
    assert answer == {"AllocationId": "eipalloc-1"}
    assert len(server.requests) == 2
    assert clock.waits == [0.5]


async def test_a_call_with_a_token_may_be_sent_again(alone) -> None:
    launched = http(
        "200 OK",
        "<RunInstancesResponse><instancesSet><item><instanceId>i-1</instanceId></item></instancesSet></RunInstancesResponse>",
    )
    with Answering([b"", launched]) as server:
        answer = await alone(server).call(
            "ec2", "RunInstances", {"ClientToken": "t", "ImageId": "ami-1", "MinCount": 1, "MaxCount": 1}
        )
        assert [request.count(b"ClientToken=t") for request in server.requests] == [1, 1]
    assert answer["Instances"][0]["InstanceId"] == "i-1"


async def test_taking_away_may_be_sent_again(alone) -> None:
    gone = http("200 OK", "<ReleaseAddressResponse><return>true</return></ReleaseAddressResponse>")
    with Answering([b"", gone]) as server:
        await alone(server).call("ec2", "ReleaseAddress", {"AllocationId": "eipalloc-1"})
        assert len(server.requests) == 2


async def test_a_page_of_html_is_not_taken_for_an_answer(alone) -> None:
    with Answering([http("404 Not Found", "<!doctype html><title>404", "text/html")]) as server:
        with pytest.raises(AwsError) as refusal:
            await alone(server).read("ec2", "DescribeInstances")
        assert refusal.value.code == "Unexpected"
        assert "proxy" in str(refusal.value)
        with pytest.raises(AwsError) as refusal:
            await alone(server).read("apigatewayv2", "GetApis")
        assert refusal.value.code == "Unexpected"


async def test_a_dry_run_tells_what_may_be_done(aws: AwsConnection, cloud: CloudProcess) -> None:
    assert await aws.may("ec2:AllocateAddress", {"Domain": "vpc"}) == "allowed"
    cloud.fault("no-permission", action="ec2:AllocateAddress")
    assert await aws.may("ec2:AllocateAddress", {"Domain": "vpc"}) == "denied"
    assert await aws.may("lambda:DeleteFunction", {"FunctionName": "x"}) == "unknown"
    assert (await aws.read("ec2", "DescribeAddresses"))["Addresses"] == []


# What goes in and comes out


async def test_every_call_is_told_with_the_names_of_its_parameters(aws: AwsConnection) -> None:
    told: list[CallSeen | CallPaced] = []
    end = aws.listen(told.append)
    await aws.read("ec2", "DescribeAddresses", Filters=[{"Name": "tag:x", "Values": ["secret"]}], PublicIps=[])
    await aws.call("ec2", "AllocateAddress", {"Domain": "vpc"})
    end()
    await aws.read("ec2", "DescribeVpcs")
    assert told == [
        CallSeen("ec2", "DescribeAddresses", ("Filters", "PublicIps")),
        CallSeen("ec2", "AllocateAddress", ("Domain",)),
    ]


def test_frozen_parameters_become_lists_and_open_ones_are_a_defect() -> None:
    assert plain({"A": ({"B": ("x", 1)},)}) == {"A": [{"B": ["x", 1]}]}
    for open_value in (Unresolved("a", "b"), Secret("S"), Text(("a", Secret("S")))):
        with pytest.raises(ValueError, match="still holds"):
            plain({"A": [open_value]})


def test_answers_are_free_of_control_sequences() -> None:
    answer = {
        "Tags": [{"Value": "a\x1b[31mred\x1b]0;title\x07"}],
        "ResponseMetadata": {"RequestId": "r"},
        "Blob": b"\x1b",
    }
    assert cleaned(answer) == {"Tags": [{"Value": "ared"}], "Blob": b"\x1b"}


def test_importing_the_connection_imports_no_boto() -> None:
    look = "import sys, iris_migrate.connections.aws; print([n for n in ('boto3', 'botocore') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_call_that_hangs_does_not_hold_the_end_of_the_program() -> None:
    """The server never answers; the program ends although a thread still waits for it."""
    program = (
        "import asyncio, socket, os\n"
        "from iris_migrate.connections.threads import Threads\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "client = socket.create_connection(server.getsockname())\n"
        "async def main():\n"
        "    waiting = asyncio.create_task(Threads('t', 1).run(lambda: client.recv(1)))\n"
        "    await asyncio.sleep(0)\n"
        "    waiting.cancel()\n"
        "asyncio.run(main())\n"
        "print('ended')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=30)
    assert (ended.stdout, ended.stderr) == ("ended\n", "")
