"""The instance: one of ours, running, as small and as closed as the plan wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.resources.ec2 import launch
from iris_migrate.resources.ec2.ownership import of_step
from iris_migrate.target import Target

_GOING = ("shutting-down", "terminated")
_BOOT = 300.0  # seconds after launch within which `pending` is no reason to worry


@dataclass(frozen=True, kw_only=True)
class Instance(Resource):
    """One instance of this migration runs: type, encrypted gp3 root volume, IMDSv2, standard credits, protected.

    What can be changed on a running instance is mended; another type, volume or key is only warned of, because
    mending it means a stop or a new instance.
    """

    kind: ClassVar[str] = "ec2.instance"
    calls: ClassVar[frozenset[str]] = frozenset(
        {
            "ec2:DescribeInstances",
            "ec2:DescribeInstanceAttribute",
            "ec2:DescribeInstanceCreditSpecifications",
            "ec2:DescribeVolumes",
            "ec2:RunInstances",
            "ec2:StartInstances",
            "ec2:StopInstances",
            "ec2:TerminateInstances",
            "ec2:ModifyInstanceAttribute",
            "ec2:ModifyInstanceMetadataOptions",
            "ec2:ModifyInstanceCreditSpecification",
        }
    )
    outputs: ClassVar[frozenset[str]] = frozenset({"id", "private_ip", "volume_id", "zone"})
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    name: str
    image: Ref
    root_device: Ref = "/dev/sda1"
    key_name: Ref
    group: Ref
    type: str = "t3.micro"
    volume_gb: int = 30

    async def inspect(self, target: Target) -> Finding:
        every: Sequence[Mapping[str, Any]] = await target.aws.read_all(
            "ec2", "DescribeInstances", "Reservations[].Instances[]", Filters=of_step(self.key)
        )
        living = [item for item in every if _state(item) not in _GOING]
        if len(living) > 1:
            return self._several(living)
        if living:
            return await self._one(target, living[0])
        if leaving := [item for item in every if _state(item) == "shutting-down"]:
            seen = f"{leaving[0]['InstanceId']} is shutting down"
            evidence = [Evidence("instance of this migration", "running", seen, Verdict.CONVERGING)]
            return conclude(evidence, until=target.clock.now() + _BOOT)
        return conclude([Evidence("instance of this migration", "running", "none", Verdict.ABSENT)])

    def _several(self, living: Sequence[Mapping[str, Any]]) -> Finding:
        seen = ", ".join(f"{item['InstanceId']} ({_state(item)}, launched {item.get('LaunchTime')})" for item in living)
        reason = f"more than one instance carries this migration's tags: {seen}. Terminate the one that is not in use."
        return conclude([Evidence("instance of this migration", "one", seen, Verdict.UNKNOWN)], reason=reason)

    async def _one(self, target: Target, instance: Mapping[str, Any]) -> Finding:
        state, instance_id = _state(instance), str(instance["InstanceId"])
        asked = f"instance {instance_id}"
        if state in ("pending", "stopping"):
            evidence = [Evidence(asked, "running", state, Verdict.CONVERGING)]
            return conclude(evidence, facts={"instance": instance_id}, until=target.clock.now() + _BOOT)
        seen = await launch.Settings.read(target.aws, instance)
        outputs = {
            "id": instance_id,
            "private_ip": str(instance.get("PrivateIpAddress", "")),
            "volume_id": seen.volume_id,
            "zone": str((instance.get("Placement") or {}).get("AvailabilityZone", "")),
        }
        evidence = [judge(asked, "running", state), *self._mendable(seen), *self._fixed(instance, seen)]
        facts = {"instance": instance_id, "state": state, **seen.facts()}
        return conclude(evidence, outputs, facts, reason=_only_warned(evidence))

    def _mendable(self, seen: launch.Settings) -> list[Evidence]:
        """What a call changes in place."""
        evidence = [
            judge("termination protection", "on", "on" if seen.protected else "off"),
            judge("instance metadata", launch.METADATA_WANTED, seen.metadata),
        ]
        if seen.credits:
            evidence.append(judge("CPU credits", "standard", seen.credits))
        has_group = self.group in seen.groups
        shown = ", ".join(seen.groups) or "none"
        evidence.append(
            Evidence("security groups", str(self.group), shown, Verdict.HOLDS if has_group else Verdict.DIFFERS)
        )
        return evidence

    def _fixed(self, instance: Mapping[str, Any], seen: launch.Settings) -> list[Evidence]:
        """What only a stop or another instance would change."""
        volume_fits = seen.volume_gb >= self.volume_gb and seen.volume_type == "gp3" and seen.encrypted
        evidence = [
            judge("instance type", self.type, instance.get("InstanceType"), otherwise=Verdict.WARNS),
            Evidence(
                f"root volume {seen.volume_id}",
                f"{self.volume_gb} GB gp3, encrypted",
                f"{seen.volume_gb} GB {seen.volume_type}, {'encrypted' if seen.encrypted else 'not encrypted'}",
                Verdict.HOLDS if volume_fits else Verdict.WARNS,
            ),
            judge("key pair", self.key_name, instance.get("KeyName", "none"), otherwise=Verdict.WARNS),
        ]
        if others := [group for group in seen.groups if group != self.group]:
            shown = ", ".join(others)
            evidence.append(Evidence("further security groups", "none", shown, Verdict.WARNS))
        return evidence

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        instance = finding.facts.get("instance")
        if not instance:
            return [launch.run_instances(self)]
        wanted = {**finding.facts, **launch.WANTED, "groups": _joined(finding.facts["groups"], self.group)}
        if not finding.facts["credits"]:
            wanted["credits"] = ""  # the type that runs has none
        changes = launch.mend(instance, finding.facts, wanted)
        if finding.facts["state"] == "stopped":
            changes.append(_call(f"Start instance {instance}", "StartInstances", instance))
        return changes

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """Back to what was: terminated when there was none (its disk is lost), else the former settings."""
        instance = finding.facts.get("instance")
        if not instance:
            return []
        if not before.facts.get("instance"):
            unprotect: Change = AwsCall(
                says=f"Take the termination protection off {instance}",
                service="ec2",
                operation="ModifyInstanceAttribute",
                params={"InstanceId": instance, "DisableApiTermination": {"Value": False}},
                gone_ok=launch.GONE,
            )
            return [
                unprotect,
                _call(f"Terminate instance {instance} and delete its disk", "TerminateInstances", instance),
            ]
        if "state" not in before.facts or "state" not in finding.facts:
            return []
        changes = launch.mend(instance, finding.facts, before.facts)
        if before.facts["state"] == "stopped" and finding.facts["state"] == "running":
            changes.append(_call(f"Stop instance {instance}, as it was", "StopInstances", instance))
        return changes


def _call(says: str, operation: str, instance: str) -> Change:
    gone = launch.GONE if operation == "TerminateInstances" else ()
    return AwsCall(says=says, service="ec2", operation=operation, params={"InstanceIds": [instance]}, gone_ok=gone)


def _state(instance: Mapping[str, Any]) -> str:
    return str(instance["State"]["Name"])


def _joined(groups: Sequence[str], group: Ref) -> list[Any]:
    return [*groups] if group in groups else [*groups, group]


def _only_warned(evidence: Sequence[Evidence]) -> str:
    """Why a warning is not mended."""
    warned = [item.asked for item in evidence if item.verdict is Verdict.WARNS]
    if not warned:
        return ""
    return (
        f"{', '.join(warned)}: not changed on a running instance; stop it and change it by hand, or adapt the setting"
    )
