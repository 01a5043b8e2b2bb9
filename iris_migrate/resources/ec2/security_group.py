"""Who may connect: SSH from the operator, HTTP and HTTPS from everywhere, nothing else."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, AwsRead, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, unknown
from iris_migrate.resources.base import Resource
from iris_migrate.resources.ec2.ownership import of_step, of_token, tagged
from iris_migrate.resources.ec2.rules import Rule, permissions, rules_of
from iris_migrate.target import Target
from iris_migrate.values import AnswerRef

_EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, kw_only=True)
class SecurityGroup(Resource):
    """A security group lets in SSH from the operator's own address, and HTTP and HTTPS from everywhere.

    Any other rule is shown and removed; so the application's own port is never reachable past nginx and TLS.
    """

    kind: ClassVar[str] = "ec2.security_group"
    calls: ClassVar[frozenset[str]] = frozenset(
        {
            "ec2:DescribeSecurityGroups",
            "ec2:CreateSecurityGroup",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:DeleteSecurityGroup",
        }
    )
    outputs: ClassVar[frozenset[str]] = frozenset({"id"})
    uses: ClassVar[frozenset[str]] = frozenset({"aws", "web"})
    name: str
    cidr: str = ""  # from where SSH is allowed; empty: the address that `own_address` tells
    own_address: str = "https://checkip.amazonaws.com/"
    ssh_port: int = 22
    http_port: int = 80
    https_port: int = 443

    async def inspect(self, target: Target) -> Finding:
        ours, named, (operator, trouble) = await asyncio.gather(
            self._groups(target, of_step(self.key)),
            self._groups(target, [{"Name": "group-name", "Values": [self.name]}]),
            self._operator(target),
        )
        if len(ours) > 1:
            seen = ", ".join(str(group["GroupId"]) for group in ours)
            return unknown(f"more than one security group carries this migration's tags: {seen}. Delete the other.")
        if not ours and named:
            group = named[0]["GroupId"]
            return unknown(f"{group} is named {self.name} and was not made by this migration: rename or delete it.")
        outputs = {"id": str(ours[0]["GroupId"])} if ours else {}
        if trouble:  # the group itself is known all the same: what names it goes on
            return conclude([Evidence("operator's address", "known", trouble, Verdict.UNKNOWN)], outputs)
        wanted = self._wanted(operator)
        facts: dict[str, Any] = {"wanted": [rule.plain() for rule in wanted]}
        if not ours:
            return conclude([Evidence(f"security group {self.name}", "there", "none", Verdict.ABSENT)], facts=facts)
        rules = rules_of(ours[0])
        facts |= {"group": outputs["id"], "rules": [rule.plain() for rule in rules]}
        return conclude(self._judged(wanted, rules), outputs, facts)

    async def _groups(self, target: Target, filters: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        return await target.aws.read_all("ec2", "DescribeSecurityGroups", "SecurityGroups[]", Filters=filters)

    async def _operator(self, target: Target) -> tuple[str, str]:
        """The operator's addresses as a CIDR; else empty, and why it cannot be told."""
        if self.cidr:
            return _network(self.cidr)
        answer = await target.web.get(self.own_address)
        told = answer.body.get("ip") if isinstance(answer.body, Mapping) else answer.body
        advice = "set operator.cidr to the address from which you connect, with /32"
        try:
            address = ipaddress.ip_address(str(told).strip())
        except ValueError:
            seen = answer.error or f"HTTP {answer.status}, no address"
            return "", f"{self.own_address} does not tell it ({seen}): {advice}"
        if address.version == 6:
            return "", f"{self.own_address} tells {address}, but the host is reached by IPv4: {advice}"
        return f"{address}/32", ""

    def _wanted(self, operator: str) -> list[Rule]:
        public = [Rule("tcp", port, port, cidr) for port in (self.http_port, self.https_port) for cidr in _EVERYWHERE]
        return [Rule("tcp", self.ssh_port, self.ssh_port, operator), *public]

    @staticmethod
    def _judged(wanted: Sequence[Rule], seen: Sequence[Rule]) -> list[Evidence]:
        evidence = []
        for rule in wanted:
            there = rule in seen
            state, verdict = ("allowed", Verdict.HOLDS) if there else ("not allowed", Verdict.DIFFERS)
            evidence.append(Evidence(str(rule), "allowed", state, verdict))
        evidence += [Evidence(str(rule), "not allowed", "allowed", Verdict.DIFFERS) for rule in _less(seen, wanted)]
        return evidence

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        wanted = _rules(finding.facts.get("wanted")) or self._wanted(self.cidr or "the operator's own address/32")
        group = finding.facts.get("group")
        if not group:
            return [self._create(), _authorize(AnswerRef("group"), wanted)]
        return _from_to(group, _rules(finding.facts["rules"]), wanted)

    def _create(self) -> Change:
        return AwsCall(
            says=f"Make security group {self.name} in the default VPC",
            service="ec2",
            operation="CreateSecurityGroup",
            params={
                "GroupName": self.name,
                "Description": "SSH from the operator, HTTP and HTTPS from everywhere",
                "TagSpecifications": tagged(self.key, self.name, "security-group"),
            },
            answers={"group": "GroupId"},
            gone_ok=("InvalidGroup.Duplicate",),
            find=AwsRead(
                "DescribeSecurityGroups",
                {"Filters": of_token(self.key)},
                "SecurityGroups[0].GroupId",
                {"group": "SecurityGroups[0].GroupId"},
                wait=5,
            ),
        )

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        group = finding.facts.get("group")
        if not group:
            return []
        if before.facts.get("group"):
            return _from_to(group, _rules(finding.facts["rules"]), _rules(before.facts["rules"]))
        return [
            AwsCall(
                says=f"Delete security group {self.name}",
                service="ec2",
                operation="DeleteSecurityGroup",
                params={"GroupId": group},
                gone_ok=("InvalidGroup.NotFound",),
                retry_on=("DependencyViolation",),  # until the instance that carried it is gone
            )
        ]


def _network(cidr: str) -> tuple[str, str]:
    """As EC2 keeps it: 203.0.113.7/24 becomes 203.0.113.0/24."""
    try:
        return str(ipaddress.ip_network(cidr, strict=False)), ""
    except ValueError as error:
        return "", f"operator.cidr is no CIDR ({error}): write it like 203.0.113.7/32"


def _from_to(group: str, seen: Sequence[Rule], wanted: Sequence[Rule]) -> list[Change]:
    """Allow first, then take away: nobody is locked out in between."""
    changes: list[Change] = []
    if missing := _less(wanted, seen):
        changes.append(_authorize(group, missing))
    if extra := _less(seen, wanted):
        changes.append(
            AwsCall(
                says=f"Take away: {_shown(extra)}",
                service="ec2",
                operation="RevokeSecurityGroupIngress",
                params={"GroupId": group, "IpPermissions": permissions(extra)},
                gone_ok=("InvalidPermission.NotFound",),
            )
        )
    return changes


def _authorize(group: str | AnswerRef, rules: Sequence[Rule]) -> Change:
    return AwsCall(
        says=f"Allow: {_shown(rules)}",
        service="ec2",
        operation="AuthorizeSecurityGroupIngress",
        params={"GroupId": group, "IpPermissions": permissions(rules)},
        gone_ok=("InvalidPermission.Duplicate",),
        retry_on=("InvalidGroup.NotFound",),
    )


def _shown(rules: Iterable[Rule]) -> str:
    return "; ".join(str(rule) for rule in rules)


def _rules(plain: Iterable[Mapping[str, Any]] | None) -> list[Rule]:
    return [Rule(**item) for item in plain or ()]


def _less(some: Sequence[Rule], others: Sequence[Rule]) -> list[Rule]:
    return [rule for rule in some if rule not in others]
