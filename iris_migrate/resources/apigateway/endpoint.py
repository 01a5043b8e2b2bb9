"""The off switch: an API's own address refuses, and can be switched on again with the same URL."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.apigateway.http_parts import GONE
from iris_migrate.resources.base import Resource
from iris_migrate.resources.removal import Things
from iris_migrate.target import AwsError, Target
from iris_migrate.values import Unresolved

TAG = "iris-migrate:switched-off"  # when, in seconds since the epoch, rounded up
GONE_LONG_SINCE = 0.0  # `since` when no API is left that could say it
_ROUNDED = 600  # seconds: a plan that names its own time stays the same while it is read


@dataclass(frozen=True, kw_only=True)
class _Endpoint(Resource):
    """What both share: each API's switch, and the note on it since when it is off."""

    calls: ClassVar[frozenset[str]] = frozenset(
        {
            "apigatewayv2:GetApi", "apigatewayv2:UpdateApi", "apigatewayv2:TagResource", "apigatewayv2:UntagResource",
        }
    )  # fmt: skip
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    apis: Things

    async def _seen(self, target: Target) -> dict[str, dict[str, Any] | None]:
        """Of each listed API whether it is off and since when; None for one that is gone."""
        assert not isinstance(self.apis, Unresolved)
        found = await asyncio.gather(*(self._look(target, item) for item in self.apis))
        return {str(item["id"]): seen for item, seen in zip(self.apis, found, strict=True)}

    async def _look(self, target: Target, item: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            api = await target.aws.read("apigatewayv2", "GetApi", ApiId=item["id"])
        except AwsError as error:
            if error.code == GONE:
                return None
            raise
        since = str((api.get("Tags") or {}).get(TAG) or "")
        off = bool(api.get("DisableExecuteApiEndpoint"))
        return {"off": off, "since": float(since) if since.isdigit() else 0.0}

    def _listed(self) -> Sequence[Mapping[str, Any]]:
        return ({"id": self.apis},) if isinstance(self.apis, Unresolved) else self.apis

    def _off(self, finding: Finding) -> list[Change]:
        """What switches off those that serve, and notes when."""
        changes: list[Change] = []
        for item in self._listed():
            found = finding.facts.get("apis", {}).get(str(item["id"]), {"off": False, "since": 0.0})
            if found is None:
                continue
            if not found["off"]:
                changes.append(_switch(item["id"], off=True))
            if not found["off"] or not found["since"]:
                changes.append(self._tag(item["id"], finding))
        return changes

    def _on(self, finding: Finding, served: Callable[[str], bool]) -> list[Change]:
        """What switches on again those of which it is said that they served."""
        changes: list[Change] = []
        for item in self._listed():
            found = finding.facts.get("apis", {}).get(str(item["id"]), {"off": True, "since": 1.0})
            if found is None or not served(str(item["id"])):
                continue
            if found["off"]:
                changes.append(_switch(item["id"], off=False))
            if found["since"]:
                changes.append(self._untag(item["id"], finding))
        return changes

    def _tag(self, api: Any, finding: Finding) -> Change:
        at = math.ceil(self.now / _ROUNDED) * _ROUNDED
        return AwsCall(
            says=f"Note on API {api} since when it is off, so that the soak needs no machine to stay awake",
            service="apigatewayv2",
            operation="TagResource",
            params={"ResourceArn": _arn(api, finding), "Tags": {TAG: str(at)}},
        )

    def _untag(self, api: Any, finding: Finding) -> Change:
        return AwsCall(
            says=f"Take that note off API {api}",
            service="apigatewayv2",
            operation="UntagResource",
            params={"ResourceArn": _arn(api, finding), "TagKeys": [TAG]},
        )


@dataclass(frozen=True, kw_only=True)
class EndpointOff(_Endpoint):
    """The old API's default endpoint is disabled, and a tag says since when. Nothing is lost by it, the URL stays."""

    kind: ClassVar[str] = "apigateway.endpoint_off"
    outputs: ClassVar[frozenset[str]] = frozenset({"since"})

    async def inspect(self, target: Target) -> Finding:
        facts = await self._seen(target)
        evidence: list[Evidence] = []
        for name, found in facts.items():
            if found is None:
                evidence.append(Evidence(f"API {name}", "off", "it is gone", Verdict.HOLDS))
                continue
            evidence.append(judge(f"default endpoint of {name}", "disabled", "disabled" if found["off"] else "serves"))
            if found["off"]:
                evidence.append(_since(name, found["since"]))
        if not evidence:
            evidence.append(Evidence("APIs", "off", "none is listed", Verdict.HOLDS))
        left = [found for found in facts.values() if found is not None]
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
            else judge(f"default endpoint of {name}", "serves", "disabled" if found["off"] else "serves")
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


def _switch(api: Any, *, off: bool) -> Change:
    does, meaning = ("Switch off", "callers are refused, ") if off else ("Switch on again", "")
    return AwsCall(
        says=f"{does} the default endpoint of API {api}: {meaning}the URL stays the same",
        service="apigatewayv2",
        operation="UpdateApi",
        params={"ApiId": api, "DisableExecuteApiEndpoint": off},
    )


def _arn(api: Any, finding: Finding) -> str:
    return f"arn:aws:apigateway:{finding.facts.get('region', '‹region›')}::/apis/{api}"


def _since(name: str, since: float) -> Evidence:
    import time

    said = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(since)) if since else "not noted"
    return Evidence(f"{name} is off since", "noted on it", said, Verdict.HOLDS if since else Verdict.DIFFERS)
