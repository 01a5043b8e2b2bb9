"""The policies of `permissions` against every call of a decommission, its undoing and a restore."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from iris_migrate.engine.permission_resources import ONLY_EVERYTHING, PAGE
from iris_migrate.engine.permissions import action, calls_of, policy
from iris_migrate.language.load import load
from tests.practice.grounds import Program, grounds_of
from tests.practice.iam import FREE, Policy, allowed, denied, without

SIDES = ("http+image", "rest+zip")
REGION = "us-east-1"
HOST = "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0"
HARMS = (
    "ec2:TerminateInstances", "ec2:StopInstances", "ec2:RebootInstances", "ec2:ModifyInstanceAttribute",
    "ec2:ReleaseAddress", "ec2:DisassociateAddress", "ec2:DeleteVolume", "ec2:DetachVolume",
    "ec2:RevokeSecurityGroupIngress", "ec2:DeleteSecurityGroup", "ec2:DeleteKeyPair",
)  # fmt: skip


@pytest.fixture(scope="module")
def decommission() -> Policy:
    """As it is where the new side was made by other means, which is so on these grounds."""
    return policy(load("decommission-lambda", flags={"new_url": "https://api.example.com"}), REGION)


def test_no_action_is_a_pattern_and_everything_is_named_only_where_aws_has_nothing_finer() -> None:
    for name in ("lambda-to-ec2", "decommission-lambda", "monitoring"):
        for statement in policy(load(name), REGION)["Statement"]:
            assert not any("*" in action for action in statement["Action"])
            if statement["Resource"] == "*" and statement["Effect"] == "Allow":
                assert set(statement["Action"]) <= set(ONLY_EVERYTHING), statement["Sid"]
    assert all(PAGE.format(page).startswith("https://docs.aws.amazon.com/") for page in ONLY_EVERYTHING.values())


@pytest.mark.parametrize("harm", HARMS)
def test_the_decommission_may_not_harm_the_new_host(decommission: Policy, harm: str) -> None:
    everything = {"Sid": "All", "Effect": "Allow", "Action": [harm], "Resource": "*"}
    widened = {**decommission, "Statement": [*decommission["Statement"], everything]}
    context = {"aws:RequestedRegion": REGION, "aws:ResourceTag/app": "iris-migrate"}
    assert not allowed(widened, harm, HOST, context), "another policy of the same user allows it: denied all the same"


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """Every call of two old sides that were taken down, brought back, and had both undone."""
    found: list[dict[str, Any]] = []
    for side in SIDES:
        with grounds_of(tmp_path_factory.mktemp("permissions"), side) as grounds:
            before = len(grounds.control("calls")["calls"])
            if side.startswith("http"):
                grounds.client("lambda").put_function_concurrency(
                    FunctionName="iris-backend", ReservedConcurrentExecutions=5
                )
                before += 1
            program = Program(grounds)
            done = program.taken_down()
            assert {item.state for item in done.items} == {"gone"}, program.why(done)
            back = program.restore()
            assert back.exit_code == 0, program.why(back)
            program.undone(restored=True)
            program.undone()
            assert grounds.run("decommission").status in (1, 4), "listed, with what it saves"
            found += grounds.control(f"calls?after={before}")["calls"]
    yield [call for call in found if f"{call['service']}:{call['operation']}" not in FREE]


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.xdist_group("permissions")
class TestAgainstEveryCall:
    def test_each_call_is_allowed(self, calls: list[dict[str, Any]], decommission: Policy) -> None:
        assert len(calls) > 300
        assert sorted(set(denied(decommission, calls))) == []

    def test_dropping_any_one_action_denies_a_call(self, calls: list[dict[str, Any]], decommission: Policy) -> None:
        actions = {name for one in decommission["Statement"] if one["Effect"] == "Allow" for name in one["Action"]}
        needless = {name for name in actions if not any(denied(without(decommission, name), calls))}
        assert needless == set(ELSEWHERE)


# What these old sides do not need, and what does.
ELSEWHERE = {
    "ec2:CreateTags": "the lease, where the migration has made a host",
    "ec2:DescribeTags": "the lease, where the migration has made a host",
    "ec2:GetConsoleOutput": "the key of a host that the migration has made",
    "lambda:CreateFunctionUrlConfig": "a function with an address of its own: the gate `alone` wants a waiver for it",
    "lambda:DeleteEventSourceMapping": "a function with a trigger: the gate `alone` wants a waiver for it",
    "lambda:GetAlias": "asked only when the answer to CreateAlias was lost",
}


def test_a_gate_that_looks_at_another_checklist_may_look_at_all_of_it() -> None:
    actions = {
        action for one in policy(load("decommission-lambda"), REGION)["Statement"] if one["Effect"] == "Allow"
        for action in one["Action"]
    }  # fmt: skip
    looked = {name for name in map(action, calls_of(load("lambda-to-ec2"))) if name.startswith("ec2:Describe")}
    assert len(looked) > 6 and looked <= actions
    assert not actions & {"ec2:RunInstances", "ec2:TerminateInstances", "ec2:AllocateAddress"}
