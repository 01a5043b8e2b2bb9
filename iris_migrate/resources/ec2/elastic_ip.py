"""The public address of the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, AwsRead, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.resources.ec2.ownership import of_step, of_token, tagged
from iris_migrate.target import Target
from iris_migrate.values import AnswerRef


@dataclass(frozen=True, kw_only=True)
class ElasticIp(Resource):
    """One Elastic IP of ours exists and is associated with the instance."""

    kind: ClassVar[str] = "ec2.elastic_ip"
    calls: ClassVar[frozenset[str]] = frozenset(
        {
            "ec2:DescribeAddresses",
            "ec2:AllocateAddress",
            "ec2:AssociateAddress",
            "ec2:DisassociateAddress",
            "ec2:ReleaseAddress",
        }
    )
    outputs: ClassVar[frozenset[str]] = frozenset({"public_ip", "allocation_id"})
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    name: str
    instance: Ref

    async def inspect(self, target: Target) -> Finding:
        answer = await target.aws.read("ec2", "DescribeAddresses", Filters=of_step(self.key))
        addresses: Sequence[Mapping[str, Any]] = answer.get("Addresses") or ()
        if not addresses:
            return conclude([Evidence("address of this migration", "one", "none", Verdict.ABSENT)])
        if len(addresses) > 1:
            seen = ", ".join(f"{item['PublicIp']} ({item['AllocationId']})" for item in addresses)
            reason = f"two addresses carry this migration's tags: {seen}. Release the one that is not in use."
            return conclude([Evidence("address of this migration", "one", seen, Verdict.UNKNOWN)], reason=reason)
        (address,) = addresses
        outputs = {"public_ip": str(address["PublicIp"]), "allocation_id": str(address["AllocationId"])}
        facts = {
            "allocation": outputs["allocation_id"],
            "association": str(address.get("AssociationId") or ""),
            "instance": str(address.get("InstanceId") or ""),
        }
        evidence = [
            Evidence("address of this migration", "one", outputs["public_ip"], Verdict.HOLDS),
            judge(f"{outputs['public_ip']} is associated with", self.instance, facts["instance"] or "nothing"),
        ]
        return conclude(evidence, outputs, facts)

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        if allocation := finding.facts.get("allocation"):
            return [self._associate(allocation, moves=bool(finding.facts.get("instance")))]
        allocate = AwsCall(
            says=f"Allocate an Elastic IP named {self.name} ($0.005 an hour as long as it is kept)",
            service="ec2",
            operation="AllocateAddress",
            params={"Domain": "vpc", "TagSpecifications": tagged(self.key, self.name, "elastic-ip")},
            answers={"allocation_id": "AllocationId", "public_ip": "PublicIp"},
            find=AwsRead(
                "DescribeAddresses",
                {"Filters": of_token(self.key)},
                "Addresses[0].AllocationId",
                {"allocation_id": "Addresses[0].AllocationId", "public_ip": "Addresses[0].PublicIp"},
            ),
        )
        return [allocate, self._associate(AnswerRef("allocation_id"))]

    def _associate(self, allocation: str | AnswerRef, *, moves: bool = False, instance: Ref = "") -> Change:
        goal = instance or self.instance
        return AwsCall(
            says=f"Associate the address with instance {goal}",
            service="ec2",
            operation="AssociateAddress",
            params={"AllocationId": allocation, "InstanceId": goal, "AllowReassociation": moves},
            retry_on=("InvalidAllocationID.NotFound", "InvalidInstanceID.NotFound", "IncorrectInstanceState"),
        )

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        now, was = finding.facts, before.facts
        if not now.get("allocation"):
            return []
        if was.get("instance"):
            return [self._associate(now["allocation"], moves=True, instance=was["instance"])]
        changes: list[Change] = []
        if now.get("association"):
            changes.append(
                AwsCall(
                    says="Take the address off the instance",
                    service="ec2",
                    operation="DisassociateAddress",
                    params={"AssociationId": now["association"]},
                    gone_ok=("InvalidAssociationID.NotFound",),
                )
            )
        if not was.get("allocation"):
            changes.append(
                AwsCall(
                    says="Release the address; it goes back to AWS and somebody else may get it",
                    service="ec2",
                    operation="ReleaseAddress",
                    params={"AllocationId": now["allocation"]},
                    gone_ok=("InvalidAllocationID.NotFound",),
                )
            )
        return changes
