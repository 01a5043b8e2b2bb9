"""The off switch: an API's own address refuses, and can be switched on again with the same URL."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from iris_migrate.changes import Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.apigateway.kind import GONE, Item, kind_of
from iris_migrate.resources.apigateway.switches import SWITCHES, State
from iris_migrate.resources.base import Resource
from iris_migrate.resources.removal import Things
from iris_migrate.target import AwsError, Target
from iris_migrate.values import Unresolved

GONE_LONG_SINCE = 0.0  # `since` when no API is left that could say it
_ROUNDED = 600  # seconds: a plan that names its own time stays the same while it is read
_SERVES: State = {"off": False, "since": 0.0}
_OFF: State = {"off": True, "since": 1.0}


@dataclass(frozen=True, kw_only=True)
class _Endpoint(Resource):
    """What both share: each API's switch, and the note on it since when it is off."""

    calls: ClassVar[frozenset[str]] = frozenset().union(*(switch.calls for switch in SWITCHES.values()))
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    apis: Things

    async def _seen(self, target: Target) -> dict[str, State | None]:
        """Of each listed API how its switch stands; None for one that is gone."""
        assert not isinstance(self.apis, Unresolved)
        found = await asyncio.gather(*(self._look(target, item) for item in self.apis))
        return {str(item["id"]): seen for item, seen in zip(self.apis, found, strict=True)}

    async def _look(self, target: Target, item: Item) -> State | None:
        try:
            return await SWITCHES[kind_of(item)].state(target.aws, str(item["id"]))
        except AwsError as error:
            if error.code == GONE:
                return None
            raise

    def _listed(self) -> Sequence[Item]:
        return ({"id": self.apis},) if isinstance(self.apis, Unresolved) else self.apis

    def _off(self, finding: Finding) -> list[Change]:
        """What switches off those that serve, and notes when."""
        changes: list[Change] = []
        at = str(math.ceil(self.now / _ROUNDED) * _ROUNDED)
        for item in self._listed():
            state = finding.facts.get("apis", {}).get(str(item["id"]), _SERVES)
            if state is not None and state.get("serves", True) and not (state["off"] and state["since"]):
                changes += SWITCHES[kind_of(item)].off(item["id"], state, at, _region(finding))
        return changes

    def _on(self, finding: Finding, served: Callable[[str], bool]) -> list[Change]:
        """What switches on again those of which it is said that they served."""
        changes: list[Change] = []
        for item in self._listed():
            state = finding.facts.get("apis", {}).get(str(item["id"]), _OFF)
            if state is not None and served(str(item["id"])):
                changes += SWITCHES[kind_of(item)].on(item["id"], state, _region(finding))
        return changes


@dataclass(frozen=True, kw_only=True)
class EndpointOff(_Endpoint):
    """The old API's default endpoint is disabled, and a note says since when. Nothing is lost by it, the URL stays."""

    kind: ClassVar[str] = "apigateway.endpoint_off"
    outputs: ClassVar[frozenset[str]] = frozenset({"since"})

    async def inspect(self, target: Target) -> Finding:
        facts = await self._seen(target)
        evidence: list[Evidence] = []
        for name, found in facts.items():
            if found is None or not found["serves"]:
                says = "it is gone" if found is None else "it has no stage"
                evidence.append(Evidence(f"API {name}", "off", says, Verdict.HOLDS))
                continue
            evidence.append(judge(f"default endpoint of {name}", "disabled", "disabled" if found["off"] else "serves"))
            if found["off"]:
                evidence.append(_since(name, found["since"]))
        if not evidence:
            evidence.append(Evidence("APIs", "off", "none is listed", Verdict.HOLDS))
        left = [found for found in facts.values() if found is not None and found["serves"]]
        outputs = {}
        if all(found["off"] and found["since"] for found in left):
            outputs["since"] = max((found["since"] for found in left), default=GONE_LONG_SINCE)
        return conclude(evidence, outputs, {"apis": facts, "region": target.aws.region})

    def plan(self, finding: Finding) -> list[Change]:
        return self._off(finding) if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was = before.facts.get("apis", {})
        return self._on(finding, lambda name: not (was.get(name) or {}).get("off"))


@dataclass(frozen=True, kw_only=True)
class EndpointOn(_Endpoint):
    """The API's default endpoint serves, as it did when it was archived."""

    kind: ClassVar[str] = "apigateway.endpoint_on"

    async def inspect(self, target: Target) -> Finding:
        facts = await self._seen(target)
        evidence = [
            Evidence(f"API {name}", "there", "it is gone", Verdict.UNKNOWN) if found is None
            else judge(f"default endpoint of {name}", "serves", _said(found))
            for name, found in facts.items() if self._served(name)
        ]  # fmt: skip
        evidence = evidence or [Evidence("APIs", "serve", "none did", Verdict.HOLDS)]
        return conclude(evidence, facts={"apis": facts, "region": target.aws.region})

    def _served(self, name: str) -> bool:
        return not any(str(item["id"]) == name and item.get("disabled") for item in self._listed())

    def plan(self, finding: Finding) -> list[Change]:
        return self._on(finding, self._served) if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was = before.facts.get("apis", {})
        kept = {
            name: found if found and not found["off"] and (was.get(name) or {}).get("off") else None
            for name, found in finding.facts.get("apis", {}).items()
        }
        return self._off(replace(finding, facts={**finding.facts, "apis": kept}))


def _region(finding: Finding) -> str:
    return str(finding.facts.get("region", "‹region›"))


def _said(state: State) -> str:
    """A note that is still there says that what was switched on again is not in force yet."""
    return "disabled" if state["off"] else "disabled until its stage is changed" if state.get("noted") else "serves"


def _since(name: str, since: float) -> Evidence:
    said = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(since)) if since else "not noted"
    return Evidence(f"{name} is off since", "noted on it", said, Verdict.HOLDS if since else Verdict.DIFFERS)
