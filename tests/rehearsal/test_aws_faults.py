"""Scripted faults of the practice AWS, its ledger, and what it does not know."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from iris_migrate.rehearsal.launch import World
from tests.rehearsal.conftest import Clients, Control, refused
from tests.rehearsal.launching import UBUNTU, launch_parameters

pytestmark = pytest.mark.usefixtures("no_faults")


def test_throttled_calls_succeed_when_repeated(aws: Clients, control: Control) -> None:
    control.post("faults", {"add": "throttle=ec2:DescribeRegions|apigatewayv2:GetApis|ssm:GetParameter"})
    for _ in range(2):
        refused("RequestLimitExceeded", aws.ec2.describe_regions)
        refused("TooManyRequestsException", aws.apigatewayv2.get_apis)
        refused("ThrottlingException", aws.ssm.get_parameter, Name=UBUNTU)
    assert aws.ec2.describe_regions()["Regions"]
    assert aws.apigatewayv2.get_apis()["Items"]
    assert aws.ssm.get_parameter(Name=UBUNTU)["Parameter"]["Value"].startswith("ami-")


def test_botocore_itself_gets_past_the_throttle(world: World, control: Control) -> None:
    control.post("faults", {"add": "throttle"})
    env = world.env
    session = boto3.Session(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1")
    config = Config(retries={"mode": "standard", "total_max_attempts": 5})
    ec2 = session.client("ec2", endpoint_url=env["AWS_ENDPOINT_URL"], config=config)
    assert ec2.describe_vpcs()["Vpcs"]


def test_a_missing_permission_is_refused_and_simulated_alike(aws: Clients, control: Control) -> None:
    control.post("faults", {"add": "no-permission=ec2:AllocateAddress|lambda:GetFunction"})
    refused("UnauthorizedOperation", aws.ec2.allocate_address, Domain="vpc")
    refused("AccessDeniedException", aws.lambda_.get_function, FunctionName="iris-backend")
    me = aws.sts.get_caller_identity()["Arn"]
    asked = ["ec2:AllocateAddress", "ec2:RunInstances", "lambda:GetFunction"]
    results = aws.iam.simulate_principal_policy(PolicySourceArn=me, ActionNames=asked)["EvaluationResults"]
    said = {item["EvalActionName"]: item["EvalDecision"] for item in results}
    assert said == dict(zip(asked, ["implicitDeny", "allowed", "implicitDeny"], strict=True))


def test_an_expired_login_ends_every_call(aws: Clients, control: Control) -> None:
    control.post("faults", {"add": "expired-login"})
    refused("ExpiredToken", aws.sts.get_caller_identity)
    refused("RequestExpired", aws.ec2.describe_vpcs)
    refused("ExpiredTokenException", aws.ecr.describe_repositories)
    control.post("faults", {"mend": "expired-login"})
    assert aws.sts.get_caller_identity()["Account"] == "123456789012"


def test_foreign_keys_are_refused(world: World) -> None:
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "not-of-this-world", region_name="us-east-1")
    for service, call, code in (
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("ec2", "describe_vpcs", "AuthFailure"),
        ("ecr", "describe_repositories", "UnrecognizedClientException"),
    ):
        client = session.client(service, endpoint_url=world.env["AWS_ENDPOINT_URL"])
        refused(code, getattr(client, call))


def test_what_the_practice_aws_lacks_it_says(aws: Clients) -> None:
    message = refused("NotImplementedInRehearsal", aws.cloudtrail.lookup_events)
    assert "cloudtrail:LookupEvents" in message
    with pytest.raises(ClientError, match="NotImplementedInRehearsal"):
        aws.apigatewayv2.import_api(Body="{}")


def test_the_ledger_has_every_call_with_its_parameters_and_no_secret(aws: Clients, control: Control) -> None:
    before = len(control.calls())
    asked = launch_parameters(aws, UserData="echo hidden-from-the-ledger")
    with pytest.raises(ClientError, match="DryRunOperation"):
        aws.ec2.run_instances(**asked, DryRun=True)
    aws.ec2.delete_key_pair(KeyName=asked["KeyName"])
    calls = control.calls(before)
    seen = {f"{call['service']}:{call['operation']}": call for call in calls}
    assert list(seen) == [
        "ec2:ImportKeyPair",
        "ec2:DescribeVpcs",
        "ec2:CreateSecurityGroup",
        "ssm:GetParameter",
        "ec2:RunInstances",
        "ec2:DeleteKeyPair",
    ]
    writes = [action for action, call in seen.items() if call["write"]]
    assert writes == ["ec2:ImportKeyPair", "ec2:CreateSecurityGroup", "ec2:DeleteKeyPair"]
    launch = seen["ec2:RunInstances"]
    assert (launch["dry_run"], launch["status"], launch["error"]) == (True, 412, "DryRunOperation")
    assert launch["params"]["BlockDeviceMappings"] == asked["BlockDeviceMappings"]
    assert launch["params"]["UserData"] == "***"
    assert "hidden-from-the-ledger" not in str(calls)


def test_the_operators_ledger_begins_empty_of_secrets(control: Control, world: World) -> None:
    said = str(control.calls())
    assert world.env["OPENAI_API_KEY"] not in said
    assert world.env["IRIS_API_KEYS"] not in said


@pytest.mark.parametrize("wanted", ["no-such-fault", "slow-boot=long", "bad-commit", "disk-full=x"])
def test_a_fault_that_cannot_be_had_is_refused_with_a_sentence(control: Control, wanted: str) -> None:
    assert wanted.partition("=")[0] in control.refusal("faults", {"add": wanted})
    assert control.get("faults")["active"] == {}


def test_the_clock_moves_forward_only(control: Control) -> None:
    before = control.get("clock")
    after = control.post("clock", {"advance": 5})
    assert after["offset"] == pytest.approx(before["offset"] + 5)
    assert "forward" in control.refusal("clock", {"advance": -1})
    assert "forward" in control.refusal("clock", {"set": 0})
    assert "number" in control.refusal("clock", {"advance": "soon"})
