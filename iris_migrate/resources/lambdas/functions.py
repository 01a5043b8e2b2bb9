"""Functions: gone, or there again from the archive."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.resources.lambdas.making import make
from iris_migrate.resources.removal import Item, Removal, Things
from iris_migrate.target import AwsError, Target
from iris_migrate.values import Unresolved

_GONE = "ResourceNotFoundException"
_LOOKS = frozenset({"lambda:GetFunction", "lambda:ListEventSourceMappings"})
_REMOVES = frozenset({"lambda:DeleteFunction", "lambda:DeleteEventSourceMapping"})
_MAKES = frozenset(
    {
        "lambda:CreateFunction", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
        "lambda:PublishVersion", "lambda:ListVersionsByFunction", "lambda:CreateAlias", "lambda:GetAlias",
        "lambda:AddPermission", "lambda:GetPolicy", "lambda:PutFunctionConcurrency", "lambda:CreateFunctionUrlConfig",
        "lambda:GetFunctionUrlConfig",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Functions(Resource):
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    calls: ClassVar[frozenset[str]] = _LOOKS | _REMOVES | _MAKES
    wanted: ClassVar[bool]
    functions: Things
    folder: Ref

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.functions, Unresolved)
        found = await asyncio.gather(*(self._look(target, str(item["id"])) for item in self.functions))
        facts = {str(item["id"]): seen for item, seen in zip(self.functions, found, strict=True)}
        evidence = [self._judge(name, seen) for name, seen in facts.items()]
        evidence = evidence or [Evidence("functions", "as listed", "none is listed", Verdict.HOLDS)]
        deleting = any(item.verdict is Verdict.CONVERGING for item in evidence)
        return conclude(evidence, facts={"functions": facts}, reason="AWS is deleting it" if deleting else "")

    async def _look(self, target: Target, name: str) -> dict[str, Any] | None:
        """State and triggers of a function; None when it is gone."""
        sources = await target.aws.read_all(
            "lambda", "ListEventSourceMappings", "EventSourceMappings[]", FunctionName=name
        )
        try:
            seen = await target.aws.read("lambda", "GetFunction", FunctionName=name)
        except AwsError as error:
            if error.code == _GONE:
                return {"state": "", "sources": [str(item["UUID"]) for item in sources]} if sources else None
            raise
        state = str(seen["Configuration"].get("State") or "Active")
        return {"state": state, "sources": [str(item["UUID"]) for item in sources]}

    def _judge(self, name: str, seen: Mapping[str, Any] | None) -> Evidence:
        expected = "there" if self.wanted else "gone"
        if seen is None:
            return Evidence(f"function {name}", expected, "gone", Verdict.ABSENT if self.wanted else Verdict.HOLDS)
        if seen["state"] == "Deleting":
            return Evidence(f"function {name}", expected, "being deleted", Verdict.CONVERGING)
        there = bool(seen["state"])
        said = f"there, {seen['state']}" if there else f"gone, but {len(seen['sources'])} event sources are left"
        verdict = Verdict.HOLDS if there and self.wanted else Verdict.ABSENT if self.wanted else Verdict.DIFFERS
        return Evidence(f"function {name}", expected, said, verdict)

    def _listed(self) -> Sequence[Mapping[str, Any]]:
        return () if isinstance(self.functions, Unresolved) else self.functions

    def _remove(self, finding: Finding) -> list[Change]:
        if isinstance(self.functions, Unresolved):
            return [_delete(self.functions)]
        changes: list[Change] = []
        for item in self.functions:
            seen = finding.facts.get("functions", {}).get(str(item["id"]), {"state": "Active", "sources": []})
            if seen is None:
                continue
            changes += [_unhook(item["id"], source) for source in seen["sources"]]
            if seen["state"]:
                changes.append(_delete(item["id"]))
        return changes

    def _make(self, finding: Finding) -> list[Change]:
        if isinstance(self.functions, Unresolved):
            return [AwsCall(says="Make the functions from the archive", service="lambda", operation="CreateFunction",
                            params={"FunctionName": self.functions})]  # fmt: skip
        seen = finding.facts.get("functions", {})
        return [
            change
            for item in self.functions
            if not seen.get(str(item["id"]))
            for change in make(item, str(self.folder))
        ]


def _name(item: Mapping[str, Any]) -> str:
    versions, aliases = len(item["versions"]), ", ".join(str(alias["Name"]) for alias in item["aliases"])
    return f"function {item['id']}, {versions} versions{f', aliases {aliases}' if aliases else ''}"


def _delete(name: Any) -> Change:
    return AwsCall(
        says=f"Delete the function {name} with all its versions and aliases",
        service="lambda",
        operation="DeleteFunction",
        params={"FunctionName": name},
        gone_ok=(_GONE,),
    )


def _unhook(name: Any, source: str) -> Change:
    return AwsCall(
        says=f"Take the event source {source} off {name}",
        service="lambda",
        operation="DeleteEventSourceMapping",
        params={"UUID": source},
        gone_ok=(_GONE,),
    )


@dataclass(frozen=True, kw_only=True)
class FunctionsAbsent(_Functions, Removal):
    """The functions are gone, with their versions, aliases and triggers; their log groups stay."""

    kind: ClassVar[str] = "lambdas.absent"
    wanted: ClassVar[bool] = False

    def listed(self) -> Things:
        return self.functions

    def items(self, finding: Finding) -> tuple[Item, ...]:
        seen = finding.facts.get("functions", {})
        return tuple(Item(_name(item), bool(seen.get(str(item["id"])))) for item in self._listed())

    def plan(self, finding: Finding) -> list[Change]:
        return self._remove(finding) if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        return self._make(finding)


@dataclass(frozen=True, kw_only=True)
class FunctionsThere(_Functions):
    """The archived functions are there, with their versions, aliases and permissions."""

    kind: ClassVar[str] = "lambdas.there"
    wanted: ClassVar[bool] = True

    def plan(self, finding: Finding) -> list[Change]:
        return self._make(finding) if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        had = {name for name, seen in before.facts.get("functions", {}).items() if seen}
        now = {name: seen for name, seen in finding.facts.get("functions", {}).items() if name not in had}
        made = {name: None for name in had}
        return self._remove(Finding(finding.verdict, facts={"functions": {**made, **now}}))
