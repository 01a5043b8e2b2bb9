"""How long the old side's logs are kept: they hold what nothing brings back, and what nobody should keep for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Resource
from iris_migrate.resources.removal import Things
from iris_migrate.target import Target
from iris_migrate.values import Unresolved


@dataclass(frozen=True, kw_only=True)
class LogRetention(Resource):
    """The functions' log groups forget by themselves after so many days; what is older goes then."""

    kind: ClassVar[str] = "lambdas.log_retention"
    calls: ClassVar[frozenset[str]] = frozenset(
        {"logs:DescribeLogGroups", "logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy"}
    )
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    functions: Things
    guards: Things = ()
    days: int = 30

    async def inspect(self, target: Target) -> Finding:
        names = self._names()
        found = await asyncio.gather(*(self._look(target, name) for name in names))
        groups = {name: group for name, group in zip(names, found, strict=True) if group is not None}
        evidence = [self._judge(name, group) for name, group in groups.items()]
        evidence = evidence or [Evidence("log groups", "forget in time", "there are none", Verdict.HOLDS)]
        return conclude(evidence, facts={"groups": {name: group["days"] for name, group in groups.items()}})

    def _names(self) -> list[str]:
        assert not isinstance(self.functions, Unresolved) and not isinstance(self.guards, Unresolved)
        return sorted({str(item["log_group"]) for item in (*self.functions, *self.guards)})

    async def _look(self, target: Target, name: str) -> Mapping[str, Any] | None:
        for group in await target.aws.read_all("logs", "DescribeLogGroups", "logGroups[]", logGroupNamePrefix=name):
            if group["logGroupName"] == name:
                return {"days": group.get("retentionInDays")}
        return None

    def _judge(self, name: str, group: Mapping[str, Any]) -> Evidence:
        days = group["days"]
        verdict = Verdict.HOLDS if days is not None and days <= self.days else Verdict.DIFFERS
        said = "for ever" if days is None else f"{days} days"
        return Evidence(f"{name} keeps", f"{self.days} days at most", said, verdict)

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        if "groups" not in finding.facts:
            return [_keep(Unresolved(self.key.step, "log_group"), self.days)]
        groups: Mapping[str, int | None] = finding.facts["groups"]
        return [_keep(name, self.days) for name, days in groups.items() if days is None or days > self.days]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was, now = before.facts.get("groups", {}), finding.facts.get("groups", {})
        changes: list[Change] = []
        for name in now:
            if name in was and was[name] != now[name]:
                changes.append(_forever(name) if was[name] is None else _keep(name, was[name]))
        return changes


def _keep(name: Any, days: int) -> Change:
    return AwsCall(
        says=f"Let the log group {name} forget after {days} days",
        service="logs",
        operation="PutRetentionPolicy",
        params={"logGroupName": name, "retentionInDays": days},
        gone_ok=("ResourceNotFoundException",),
    )


def _forever(name: str) -> Change:
    return AwsCall(
        says=f"Let the log group {name} keep what it has, as before",
        service="logs",
        operation="DeleteRetentionPolicy",
        params={"logGroupName": name},
        gone_ok=("ResourceNotFoundException",),
    )
