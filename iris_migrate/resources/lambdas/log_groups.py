"""The log groups of the old side, where there are none: they come back empty."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, AwsRead, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Resource
from iris_migrate.resources.old_side.surroundings import days_of
from iris_migrate.resources.removal import Things
from iris_migrate.target import Target
from iris_migrate.values import Unresolved


@dataclass(frozen=True, kw_only=True)
class LogGroupsThere(Resource):
    """The log groups are there. How long one keeps what it has is given to those that are made, and else left alone."""

    kind: ClassVar[str] = "lambdas.log_groups_there"
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    calls: ClassVar[frozenset[str]] = frozenset(
        {"logs:DescribeLogGroups", "logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:DeleteLogGroup"}
    )
    groups: Things

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.groups, Unresolved)
        names = [str(item["id"]) for item in self.groups]
        found = await asyncio.gather(*(days_of(target.aws, name) for name in names))
        there = [name for name, days in zip(names, found, strict=True) if days]
        evidence = [
            Evidence(f"log group {name}", "there", "there" if name in there else "gone",
                     Verdict.HOLDS if name in there else Verdict.ABSENT)
            for name in names
        ]  # fmt: skip
        evidence = evidence or [Evidence("log groups", "as listed", "none is listed", Verdict.HOLDS)]
        return conclude(evidence, facts={"there": there})

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        if isinstance(self.groups, Unresolved):
            return list(_make(self.groups, None))
        there = finding.facts.get("there", ())
        return [change for item in self.groups if item["id"] not in there for change in _make(item["id"], item["days"])]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        had = before.facts.get("there", ())
        return [
            AwsCall(
                says=f"Delete the log group {name} again",
                service="logs",
                operation="DeleteLogGroup",
                params={"logGroupName": name},
                gone_ok=("ResourceNotFoundException",),
            )
            for name in finding.facts.get("there", ()) if name not in had
        ]  # fmt: skip


def _make(name: Any, days: int | None) -> Iterable[Change]:
    yield AwsCall(
        says=f"Make the log group {name}, empty",
        service="logs",
        operation="CreateLogGroup",
        params={"logGroupName": name},
        gone_ok=("ResourceAlreadyExistsException",),
        find=AwsRead("DescribeLogGroups", {"logGroupNamePrefix": name}, f"logGroups[?logGroupName=='{name}'] | [0]",
                     wait=5.0),
    )  # fmt: skip
    if days is not None:
        yield AwsCall(
            says=f"Let it keep what it has for {days} days, as before",
            service="logs",
            operation="PutRetentionPolicy",
            params={"logGroupName": name, "retentionInDays": days},
        )
