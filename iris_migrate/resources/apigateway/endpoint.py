"""The off switch: an API's own address refuses, and can be switched on again with the same URL."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.apigateway.http_parts import GONE, Things
from iris_migrate.resources.base import Resource
from iris_migrate.target import AwsError, Target
from iris_migrate.values import Unresolved

TAG = "iris-migrate:switched-off"  # when, in seconds since the epoch, rounded up
GONE_LONG_SINCE = 0.0  # `since` when no API is left that could say it
_ROUNDED = 600  # seconds: a plan that names its own time stays the same while it is read


@dataclass(frozen=True, kw_only=True)
class EndpointOff(Resource):
    """The old API's default endpoint is disabled, and a tag says since when.

    Nothing is lost by it, and the URL stays. A REST API takes it over with a deployment to each stage.
    """

    kind: ClassVar[str] = "apigateway.endpoint_off"
    calls: ClassVar[frozenset[str]] = frozenset(
        {
            "apigatewayv2:GetApi", "apigatewayv2:UpdateApi", "apigatewayv2:TagResource", "apigatewayv2:UntagResource",
        }
    )  # fmt: skip
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    outputs: ClassVar[frozenset[str]] = frozenset({"since"})
    apis: Things
    wanted: bool = True

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.apis, Unresolved)
        seen = await asyncio.gather(*(self._look(target, item) for item in self.apis))
        facts = {str(item["id"]): found for item, found in zip(self.apis, seen, strict=True)}
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

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
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

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        changes: list[Change] = []
        was = before.facts.get("apis", {})
        for item in self._listed():
            found = finding.facts.get("apis", {}).get(str(item["id"]))
            if found and found["off"] and not (was.get(str(item["id"])) or {}).get("off"):
                changes += [_switch(item["id"], off=False), self._untag(item["id"], finding)]
        return changes

    def _listed(self) -> Sequence[Mapping[str, Any]]:
        return ({"id": self.apis},) if isinstance(self.apis, Unresolved) else self.apis

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


def _switch(api: Any, *, off: bool) -> Change:
    does = "Switch off" if off else "Switch on again"
    return AwsCall(
        says=f"{does} the default endpoint of API {api}: {'callers are refused, ' if off else ''}the URL stays the same",
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
