"""The other off switch: a function with a reserved concurrency of 0 refuses everybody, whoever calls it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Resource
from iris_migrate.resources.removal import Things
from iris_migrate.target import AwsError, Target
from iris_migrate.values import Unresolved

TAG = "iris-migrate:switched-off"  # when, in seconds since the epoch, rounded up
GONE_LONG_SINCE = 0.0  # `since` when no function is left that could say it
_ROUNDED = 600  # seconds: a plan that names its own time stays the same while it is read
_GONE = "ResourceNotFoundException"

State = Mapping[str, Any]  # `reserved` (None: no limit), `since` (0: not noted)


@dataclass(frozen=True, kw_only=True)
class _Concurrency(Resource):
    calls: ClassVar[frozenset[str]] = frozenset(
        {
            "lambda:GetFunction", "lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency",
            "lambda:TagResource", "lambda:UntagResource",
        }
    )  # fmt: skip
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    functions: Things

    async def _seen(self, target: Target) -> dict[str, State | None]:
        assert not isinstance(self.functions, Unresolved)
        found = await asyncio.gather(*(self._look(target, str(item["id"])) for item in self.functions))
        return {str(item["id"]): seen for item, seen in zip(self.functions, found, strict=True)}

    async def _look(self, target: Target, name: str) -> State | None:
        """None: the function is gone."""
        try:
            seen = await target.aws.read("lambda", "GetFunction", FunctionName=name)
        except AwsError as error:
            if error.code == _GONE:
                return None
            raise
        since = str((seen.get("Tags") or {}).get(TAG) or "")
        reserved = (seen.get("Concurrency") or {}).get("ReservedConcurrentExecutions")
        return {"reserved": reserved, "since": float(since) if since.isdigit() else 0.0}

    def _listed(self) -> Sequence[Mapping[str, Any]]:
        if isinstance(self.functions, Unresolved):
            return ({"id": self.functions, "arn": self.functions, "concurrency": None},)
        return self.functions

    def _off(self, finding: Finding) -> list[Change]:
        at = str(math.ceil(self.now / _ROUNDED) * _ROUNDED)
        changes: list[Change] = []
        for item in self._listed():
            state = finding.facts.get("functions", {}).get(str(item["id"]), {"reserved": None, "since": 0.0})
            if state is None or (state["reserved"] == 0 and state["since"]):
                continue
            if state["reserved"] != 0:
                changes.append(_reserve(item, 0))
            changes.append(
                AwsCall(
                    says=f"Note on {item['id']} since when it is off, so that the soak needs no machine to stay awake",
                    service="lambda",
                    operation="TagResource",
                    params={"Resource": item["arn"], "Tags": {TAG: at}},
                )
            )
        return changes

    def _on(self, finding: Finding, was: Callable[[Mapping[str, Any]], int | None]) -> list[Change]:
        """Each function that is off gets the limit that it had: `was` tells it."""
        changes: list[Change] = []
        for item in self._listed():
            state = finding.facts.get("functions", {}).get(str(item["id"]), {"reserved": 0, "since": 1.0})
            if state is None:
                continue
            if state["reserved"] == 0 and was(item) != 0:
                changes.append(_reserve(item, was(item)))
            if state["since"]:
                changes.append(
                    AwsCall(
                        says=f"Take that note off {item['id']}",
                        service="lambda",
                        operation="UntagResource",
                        params={"Resource": item["arn"], "TagKeys": [TAG]},
                    )
                )
        return changes


@dataclass(frozen=True, kw_only=True)
class ConcurrencyZero(_Concurrency):
    """The functions have a reserved concurrency of 0, and a tag says since when. What they had is in the archive."""

    kind: ClassVar[str] = "lambdas.concurrency_zero"
    outputs: ClassVar[frozenset[str]] = frozenset({"since"})

    async def inspect(self, target: Target) -> Finding:
        facts = await self._seen(target)
        evidence: list[Evidence] = []
        for name, state in facts.items():
            if state is None:
                evidence.append(Evidence(f"function {name}", "off", "it is gone", Verdict.HOLDS))
                continue
            evidence.append(judge(f"reserved concurrency of {name}", "0", _said(state["reserved"])))
            if state["reserved"] == 0:
                noted = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(state["since"]))
                verdict = Verdict.HOLDS if state["since"] else Verdict.DIFFERS
                said = noted if state["since"] else "not noted"
                evidence.append(Evidence(f"{name} is off since", "noted on it", said, verdict))
        evidence = evidence or [Evidence("functions", "off", "none is listed", Verdict.HOLDS)]
        left = [state for state in facts.values() if state is not None]
        outputs = {}
        if all(state["reserved"] == 0 and state["since"] for state in left):
            outputs["since"] = max((state["since"] for state in left), default=GONE_LONG_SINCE)
        return conclude(evidence, outputs, {"functions": facts})

    def plan(self, finding: Finding) -> list[Change]:
        return self._off(finding) if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        def was(item: Mapping[str, Any]) -> int | None:
            state = before.facts.get("functions", {}).get(str(item["id"])) or {"reserved": item["concurrency"]}
            reserved: int | None = state["reserved"]
            return reserved

        return self._on(finding, was)


@dataclass(frozen=True, kw_only=True)
class ConcurrencyBack(_Concurrency):
    """The functions have the reserved concurrency that they had when they were archived."""

    kind: ClassVar[str] = "lambdas.concurrency_back"

    async def inspect(self, target: Target) -> Finding:
        facts = await self._seen(target)
        evidence: list[Evidence] = []
        for item in self._listed():
            state, wanted = facts[str(item["id"])], _said(item["concurrency"])
            if state is None:
                evidence.append(Evidence(f"function {item['id']}", "there", "it is gone", Verdict.UNKNOWN))
                continue
            seen = _said(state["reserved"])
            off = state["reserved"] == 0 and item["concurrency"] != 0
            verdict = Verdict.DIFFERS if off or state["since"] else Verdict.HOLDS
            evidence.append(Evidence(f"reserved concurrency of {item['id']}", wanted, seen, verdict))
        evidence = evidence or [Evidence("functions", "as archived", "none is listed", Verdict.HOLDS)]
        return conclude(evidence, facts={"functions": facts})

    def plan(self, finding: Finding) -> list[Change]:
        return self._on(finding, lambda item: item["concurrency"]) if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was = before.facts.get("functions", {})
        kept = {
            name: state if state and state["reserved"] != 0 and (was.get(name) or {}).get("reserved") == 0 else None
            for name, state in finding.facts.get("functions", {}).items()
        }
        return self._off(Finding(finding.verdict, facts={"functions": kept}))


def _reserve(item: Mapping[str, Any], count: int | None) -> Change:
    name = item["id"]
    if count is None:
        return AwsCall(
            says=f"Take the limit of its concurrency off {name}, as before",
            service="lambda",
            operation="DeleteFunctionConcurrency",
            params={"FunctionName": name},
        )
    says = "it refuses everybody, and nothing is lost" if not count else "as before"
    return AwsCall(
        says=f"Reserve a concurrency of {count} for {name}: {says}",
        service="lambda",
        operation="PutFunctionConcurrency",
        params={"FunctionName": name, "ReservedConcurrentExecutions": count},
    )


def _said(reserved: int | None) -> str:
    return "no limit" if reserved is None else str(reserved)
