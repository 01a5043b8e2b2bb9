"""The ec2 family on the practice AWS: planned, carried out, found again, undone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jmespath
import pytest

from iris_migrate.changes import AwsCall, Change, LocalKey
from iris_migrate.connections.aws import AwsConnection, CallSeen
from iris_migrate.connections.workstation import Workstation
from iris_migrate.findings import Finding, Verdict
from iris_migrate.resources.base import Resource
from iris_migrate.resources.ec2 import ConsoleFingerprints, ElasticIp, Image, Instance, KeyPair, SecurityGroup
from iris_migrate.target import AwsError
from iris_migrate.values import AnswerRef, StepKey, fill
from tests.connections.cloud import CloudProcess

NOW = 1_800_000_000.0


class RealClock:
    """The machine's time; waiting is only for what the practice AWS needs to boot or stop something."""

    def now(self) -> float:
        import time

        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.05))


class Site:
    """Target and executor in one, for what this family asks and changes."""

    def __init__(self, aws: AwsConnection) -> None:
        self.aws, self.local, self.clock = aws, Workstation(), RealClock()
        self.called: set[str] = set()
        aws.listen(lambda seen: self.called.add(seen.action) if isinstance(seen, CallSeen) else None)

    async def look(self, resource: Resource, *until: Verdict) -> Finding:
        """What is found; with `until`, looked at again until it is one of these."""
        async with asyncio.timeout(15):
            while True:
                self.aws.forget()
                finding = await resource.inspect(self)  # type: ignore[arg-type]
                if not until or finding.verdict in until:
                    return finding
                await asyncio.sleep(0.05)

    async def carry_out(self, changes: list[Change]) -> None:
        answers: dict[str, Any] = {}

        def known(special: Any) -> Any:
            return (
                special.template.replace("{}", answers[special.answer]) if isinstance(special, AnswerRef) else special
            )

        for change in changes:
            if isinstance(change, LocalKey):
                answers |= await self.local.make_key(change.path, change.comment)
            else:
                assert isinstance(change, AwsCall)
                answer = await self._call(replace(change, params=fill(change.params, known)))
                answers |= {name: jmespath.search(path, answer) for name, path in change.answers.items()}

    async def _call(self, change: AwsCall) -> Any:
        async with asyncio.timeout(15):
            while True:
                try:
                    answer = await self.aws.call(change.service, change.operation, change.params)
                except AwsError as error:
                    if error.code in change.gone_ok:
                        return {}
                    if error.code not in change.retry_on:
                        raise
                    await asyncio.sleep(0.05)
                else:
                    assert not (change.fails_if and jmespath.search(change.fails_if, answer))
                    return answer

    async def bring(self, resource: Resource, *, to: Verdict = Verdict.HOLDS) -> tuple[Finding, Finding]:
        """Carry out what is planned; the findings before and after."""
        before = await self.look(resource)
        changes = resource.plan(before)
        assert changes, f"{before.verdict}: {before.reason}"
        await self.carry_out(changes)
        return before, await self.look(resource, to)


@pytest.fixture
async def site(cloud: CloudProcess) -> AsyncIterator[Site]:
    connection = AwsConnection(region="us-east-1", clock=RealClock())
    await connection.open()
    yield Site(connection)


def keys(migration: str, step: str) -> dict[str, Any]:
    return {"key": StepKey(migration, step), "now": NOW}


async def test_the_whole_family_is_made_found_and_undone(site: Site, tmp_path: Path) -> None:
    """The instance carries the group and the key; undone in reverse, nothing of ours is left."""
    migration, done = "family", []

    async def made(resource: Resource) -> Finding:
        before, after = await site.bring(resource)
        assert before.verdict is Verdict.ABSENT
        assert resource.plan(after) == []
        done.append((resource, before))
        return after

    key = await made(KeyPair(**keys(migration, "key-pair"), name="family", path=str(tmp_path / "family")))
    group = await made(SecurityGroup(**keys(migration, "group"), name="family", cidr="203.0.113.7/32"))
    image = await site.look(
        Image(
            **keys(migration, "image"),
            parameter="/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
        )
    )
    assert image.verdict is Verdict.HOLDS, image
    instance = await made(
        Instance(
            **keys(migration, "instance"),
            name="family",
            image=image.outputs["image_id"],
            root_device=image.outputs["root_device"],
            key_name=key.outputs["name"],
            group=group.outputs["id"],
        )
    )
    address = await made(ElasticIp(**keys(migration, "eip"), name="family", instance=instance.outputs["id"]))
    assert address.outputs["public_ip"].startswith("127.")
    console = ConsoleFingerprints(**keys(migration, "console"), instance=instance.outputs["id"])
    shown = await site.look(console, Verdict.HOLDS)
    assert shown.outputs["fingerprints"] == ["SHA256:" + "a" * 43]

    for resource, before in reversed(done):
        await site.carry_out(resource.undo(before, await site.look(resource)))
        assert (await site.look(resource, Verdict.ABSENT)).verdict is Verdict.ABSENT
    assert (tmp_path / "family").exists(), "the private key is never deleted"
    declared = set().union(*(cls.calls for cls in (KeyPair, SecurityGroup, Image, Instance, ElasticIp)))
    reads_and_mending = declared - site.called
    assert site.called <= declared | ConsoleFingerprints.calls | {"sts:GetCallerIdentity"}
    assert reads_and_mending == {
        "ec2:RevokeSecurityGroupIngress",
        "ec2:StartInstances",
        "ec2:StopInstances",
        "ec2:ModifyInstanceMetadataOptions",
        "ec2:ModifyInstanceCreditSpecification",
    }


async def launched(site: Site, migration: str, tmp_path: Path) -> Instance:
    """An instance of ours that holds."""
    _, key = await site.bring(KeyPair(**keys(migration, "key"), name=migration, path=str(tmp_path / "key")))
    _, group = await site.bring(SecurityGroup(**keys(migration, "group"), name=migration, cidr="203.0.113.7/32"))
    image = await site.look(
        Image(
            **keys(migration, "image"),
            parameter="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        )
    )
    instance = Instance(
        **keys(migration, "instance"), name=migration, image=image.outputs["image_id"],
        root_device=image.outputs["root_device"], key_name=key.outputs["name"], group=group.outputs["id"],
    )  # fmt: skip
    await site.bring(instance)
    return instance


async def test_a_drifted_instance_is_mended_and_put_back(site: Site, tmp_path: Path) -> None:
    instance = await launched(site, "drift", tmp_path)
    found = await site.look(instance)
    instance_id = found.outputs["id"]
    for operation, params in (
        ("ModifyInstanceAttribute", {"InstanceId": instance_id, "DisableApiTermination": {"Value": False}}),
        ("ModifyInstanceMetadataOptions", {"InstanceId": instance_id, "HttpTokens": "optional"}),
        (
            "ModifyInstanceCreditSpecification",
            {"InstanceCreditSpecifications": [{"InstanceId": instance_id, "CpuCredits": "unlimited"}]},
        ),
        ("StopInstances", {"InstanceIds": [instance_id]}),
    ):
        await site.aws.call("ec2", operation, params)
    drifted = await site.look(instance, Verdict.DIFFERS)
    assert len([item for item in drifted.evidence if item.verdict is Verdict.DIFFERS]) == 4
    await site.carry_out(instance.plan(drifted))
    mended = await site.look(instance, Verdict.HOLDS)
    await site.carry_out(instance.undo(drifted, mended))
    back = await site.look(instance, Verdict.DIFFERS)
    assert back.evidence == drifted.evidence


async def test_the_same_launch_twice_is_one_instance(site: Site, tmp_path: Path) -> None:
    """The token makes it one: what a crash between sending and recording comes down to."""
    instance = await launched(site, "twice", tmp_path)
    again = instance.plan(Finding(Verdict.ABSENT))
    await site.carry_out(again)
    found = await site.look(instance)
    assert found.verdict is Verdict.HOLDS, found


async def test_every_search_for_a_lost_answer_finds_what_the_call_made(site: Site, tmp_path: Path) -> None:
    """`find` of each creating call, asked after it was carried out, tells the answers that were lost."""
    migration = "lost"
    await launched(site, migration, tmp_path)
    resources: list[Resource] = [
        KeyPair(**keys(migration, "key"), name=migration, path=str(tmp_path / "key")),
        SecurityGroup(**keys(migration, "group"), name=migration, cidr="203.0.113.7/32"),
        Instance(**keys(migration, "instance"), name=migration, image="a", key_name="k", group="g"),
        ElasticIp(**keys(migration, "eip"), name=migration, instance="i-1"),
    ]
    for resource in resources:
        calls = [
            change for change in resource.plan(Finding(Verdict.ABSENT)) if isinstance(change, AwsCall) and change.find
        ]
        assert len(calls) == 1
        find = calls[0].find
        assert find is not None
        if isinstance(resource, ElasticIp):
            assert not jmespath.search(find.expression, await site.aws.read("ec2", find.operation, **find.params))
            made = await site.aws.call("ec2", "AllocateAddress", calls[0].params)
            site.aws.forget()
        answer = await site.aws.read("ec2", find.operation, **find.params)
        assert jmespath.search(find.expression, answer)
        assert set(find.answers) == set(calls[0].answers)
        found = {name: jmespath.search(path, answer) for name, path in find.answers.items()}
        assert all(found.values())
        if isinstance(resource, ElasticIp):
            assert found == {"allocation_id": made["AllocationId"], "public_ip": made["PublicIp"]}


async def test_open_ports_are_closed_again(site: Site) -> None:
    group = SecurityGroup(**keys("open", "group"), name="open", cidr="203.0.113.7/32")
    _, made = await site.bring(group)
    group_id = made.outputs["id"]
    world = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    await site.aws.call("ec2", "AuthorizeSecurityGroupIngress", {"GroupId": group_id, "IpPermissions": [world]})
    before, after = await site.bring(group)
    assert "tcp 8080 from 0.0.0.0/0" in [item.asked for item in before.evidence]
    await site.carry_out(group.undo(before, after))
    assert (await site.look(group)).evidence == before.evidence
