"""How an instance is launched, and the settings of a launched one that can be read and changed in place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iris_migrate.changes import AwsCall, AwsRead, Change
from iris_migrate.resources.ec2.ownership import of_token, tagged
from iris_migrate.target import Aws

if TYPE_CHECKING:
    from iris_migrate.resources.ec2.instance import Instance

METADATA = {"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"}
METADATA_WANTED = "tokens required, hop limit 1"
WANTED: Mapping[str, Any] = {
    "protected": True,
    "tokens": "required",
    "hops": 1,
    "endpoint": "enabled",
    "credits": "standard",
}
GONE = ("InvalidInstanceID.NotFound",)


def burstable(instance_type: str) -> bool:
    """Whether a type earns CPU credits (t2, t3, t3a, t4g): the default of t3 bills what it overdraws."""
    return instance_type.startswith("t")


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be read of a launched instance."""

    protected: bool
    tokens: str
    hops: int
    endpoint: str
    credits: str
    groups: tuple[str, ...]
    volume_id: str
    volume_gb: int
    volume_type: str
    encrypted: bool

    @classmethod
    async def read(cls, aws: Aws, instance: Mapping[str, Any]) -> Settings:
        """Ask for what DescribeInstances does not tell, side by side."""
        instance_id = instance["InstanceId"]
        protection, volume, cpu = await asyncio.gather(
            aws.read("ec2", "DescribeInstanceAttribute", InstanceId=instance_id, Attribute="disableApiTermination"),
            _root_volume(aws, instance),
            _credits(aws, instance),
        )
        metadata = instance.get("MetadataOptions") or {}
        return cls(
            protected=bool((protection.get("DisableApiTermination") or {}).get("Value")),
            tokens=str(metadata.get("HttpTokens", "optional")),
            hops=int(metadata.get("HttpPutResponseHopLimit", 0)),
            endpoint=str(metadata.get("HttpEndpoint", "enabled")),
            credits=cpu,
            groups=tuple(str(group["GroupId"]) for group in instance.get("SecurityGroups") or ()),
            volume_id=str(volume.get("VolumeId", "")),
            volume_gb=int(volume.get("Size", 0)),
            volume_type=str(volume.get("VolumeType", "unknown")),
            encrypted=bool(volume.get("Encrypted")),
        )

    @property
    def metadata(self) -> str:
        """The metadata options in words."""
        off = "" if self.endpoint == "enabled" else ", switched off"
        return f"tokens {self.tokens}, hop limit {self.hops}{off}"

    def facts(self) -> dict[str, Any]:
        """What `mend` compares, as plain data."""
        return {
            "protected": self.protected,
            "tokens": self.tokens,
            "hops": self.hops,
            "endpoint": self.endpoint,
            "credits": self.credits,
            "groups": list(self.groups),
        }


async def _root_volume(aws: Aws, instance: Mapping[str, Any]) -> Mapping[str, Any]:
    root = instance.get("RootDeviceName")
    devices: Sequence[Mapping[str, Any]] = instance.get("BlockDeviceMappings") or ()
    ids = [item["Ebs"]["VolumeId"] for item in devices if item.get("DeviceName") == root and "Ebs" in item]
    if not ids:
        return {}
    answer = await aws.read("ec2", "DescribeVolumes", VolumeIds=ids)
    volume: Mapping[str, Any] = next(iter(answer.get("Volumes") or ()), {})
    return volume


async def _credits(aws: Aws, instance: Mapping[str, Any]) -> str:
    if not burstable(str(instance.get("InstanceType", ""))):
        return ""
    ids = [instance["InstanceId"]]
    answer = await aws.read("ec2", "DescribeInstanceCreditSpecifications", InstanceIds=ids)
    specification: Mapping[str, Any] = next(iter(answer.get("InstanceCreditSpecifications") or ()), {})
    return str(specification.get("CpuCredits", "unknown"))


def run_instances(wanted: Instance) -> Change:
    """The launch. Its ClientToken makes it happen once, however often it is sent."""
    volume = {"VolumeSize": wanted.volume_gb, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}
    params: dict[str, Any] = {
        "ImageId": wanted.image,
        "InstanceType": wanted.type,
        "KeyName": wanted.key_name,
        "SecurityGroupIds": [wanted.group],
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": wanted.key.token,
        "BlockDeviceMappings": [{"DeviceName": wanted.root_device, "Ebs": volume}],
        "MetadataOptions": dict(METADATA),
        "DisableApiTermination": True,
        "TagSpecifications": tagged(wanted.key, wanted.name, "instance", "volume"),
    }
    if burstable(wanted.type):
        params["CreditSpecification"] = {"CpuCredits": "standard"}
    return AwsCall(
        says=f"Launch one {wanted.type} named {wanted.name} with {wanted.volume_gb} GB gp3, encrypted",
        service="ec2",
        operation="RunInstances",
        params=params,
        answers={"instance": "Instances[0].InstanceId"},
        retry_on=("InvalidGroup.NotFound", "InvalidKeyPair.NotFound"),
        find=AwsRead(
            "DescribeInstances",
            {"Filters": of_token(wanted.key)},
            "Reservations[].Instances[?State.Name != 'terminated'].InstanceId | [0][0]",
            {"instance": "Reservations[].Instances[?State.Name != 'terminated'].InstanceId | [0][0]"},
            wait=5,
        ),
    )


def mend(instance: str, seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Change]:
    """The calls that bring the settings of an instance from what is seen to what is wanted."""
    changes: list[Change] = []
    if seen["protected"] != wanted["protected"]:
        value: dict[str, Any] = {"DisableApiTermination": {"Value": wanted["protected"]}}
        word = "on" if wanted["protected"] else "off"
        changes.append(_modify(instance, f"Switch termination protection {word}", "ModifyInstanceAttribute", value))
    if any(seen[name] != wanted[name] for name in ("tokens", "hops", "endpoint")):
        value = {
            "HttpTokens": wanted["tokens"],
            "HttpPutResponseHopLimit": wanted["hops"],
            "HttpEndpoint": wanted["endpoint"],
        }
        says = f"Set instance metadata: tokens {wanted['tokens']}, hop limit {wanted['hops']}"
        changes.append(_modify(instance, says, "ModifyInstanceMetadataOptions", value))
    if list(seen["groups"]) != list(wanted["groups"]):
        value = {"Groups": list(wanted["groups"])}
        says = f"Set security groups: {', '.join(str(group) for group in wanted['groups'])}"
        changes.append(_modify(instance, says, "ModifyInstanceAttribute", value))
    if seen["credits"] != wanted["credits"]:
        changes.append(_set_credits(instance, wanted["credits"]))
    return changes


def _modify(instance: str, says: str, operation: str, value: Mapping[str, Any]) -> Change:
    params = {"InstanceId": instance, **value}
    return AwsCall(says=f"{says} ({instance})", service="ec2", operation=operation, params=params)


def _set_credits(instance: str, credits: str) -> Change:
    return AwsCall(
        says=f"Set CPU credits to {credits} ({instance})",
        service="ec2",
        operation="ModifyInstanceCreditSpecification",
        params={"InstanceCreditSpecifications": [{"InstanceId": instance, "CpuCredits": credits}]},
        fails_if="UnsuccessfulInstanceCreditSpecifications[0]",
    )
