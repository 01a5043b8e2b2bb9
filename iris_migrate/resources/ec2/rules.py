"""The rules of a security group, one source each, and back to the shape that EC2's calls take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Where a permission names its sources: list, field in it.
_SOURCES = (
    ("IpRanges", "CidrIp"),
    ("Ipv6Ranges", "CidrIpv6"),
    ("UserIdGroupPairs", "GroupId"),
    ("PrefixListIds", "PrefixListId"),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One protocol, one range of ports, one source: a CIDR, a group (`sg-…`) or a prefix list (`pl-…`)."""

    protocol: str  # tcp | udp | icmp | … | -1 for all
    first: int  # -1: all ports
    last: int
    source: str

    def __str__(self) -> str:
        ports = (
            "all" if self.first == -1 else str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        )
        if self.protocol == "-1":
            return f"everything from {self.source}"
        return f"{self.protocol} {ports} from {self.source}"

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def rules_of(group: Mapping[str, Any]) -> list[Rule]:
    """The incoming rules of a group as EC2 describes it."""
    found = []
    for permission in group.get("IpPermissions") or ():
        first, last = int(permission.get("FromPort", -1)), int(permission.get("ToPort", -1))
        for sources, field in _SOURCES:
            for source in permission.get(sources) or ():
                found.append(Rule(str(permission["IpProtocol"]), first, last, str(source[field])))
    return sorted(found, key=lambda rule: (rule.protocol, rule.first, rule.last, rule.source))


def permissions(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """`IpPermissions` of a call, one a rule."""
    return [_permission(rule) for rule in rules]


def _permission(rule: Rule) -> dict[str, Any]:
    ports = {} if rule.protocol == "-1" else {"FromPort": rule.first, "ToPort": rule.last}
    return {"IpProtocol": rule.protocol, **ports, **_source(rule.source)}


def _source(source: str) -> dict[str, Any]:
    if source.startswith("sg-"):
        return {"UserIdGroupPairs": [{"GroupId": source}]}
    if source.startswith("pl-"):
        return {"PrefixListIds": [{"PrefixListId": source}]}
    return {"Ipv6Ranges": [{"CidrIpv6": source}]} if ":" in source else {"IpRanges": [{"CidrIp": source}]}
