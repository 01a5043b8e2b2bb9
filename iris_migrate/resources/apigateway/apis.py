"""The API objects themselves: there as they were, or made again, under another id and so another address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, AwsRead, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.apigateway.kind import GONE, Item, kind_of
from iris_migrate.resources.base import Resource
from iris_migrate.target import AwsError, Target
from iris_migrate.values import Unresolved

TAG = "iris-migrate:restored-from"  # on an API that was made again: the id of the one that is archived
_OBJECTS = {"HTTP": ("apigatewayv2", "GetApi", "ApiId"), "REST": ("apigateway", "GetRestApi", "restApiId")}


@dataclass(frozen=True, kw_only=True)
class ApiThere(Resource):
    """An archived API is there: under its id, or made again and marked with it. `id` is what it has now.

    A REST API is not made again: it comes back only where it still is.
    """

    kind: ClassVar[str] = "apigateway.api_there"
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    outputs: ClassVar[frozenset[str]] = frozenset({"id"})
    calls: ClassVar[frozenset[str]] = frozenset(
        {
            "apigatewayv2:GetApi", "apigatewayv2:GetApis", "apigatewayv2:CreateApi", "apigatewayv2:DeleteApi",
            "apigateway:GetRestApi",
        }
    )  # fmt: skip
    api: Item | Unresolved

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.api, Unresolved)
        seen = await self._ids(target, self.api)
        outputs = {"id": seen[0]} if len(seen) == 1 else {}
        return conclude([self._judge(self.api, seen)], outputs, {"ids": seen})

    async def _ids(self, target: Target, item: Item) -> list[str]:
        """The id it has here; more than one when it was made again more than once."""
        service, operation, name = _OBJECTS[kind_of(item)]
        try:
            await target.aws.read(service, operation, **{name: item["id"]})
            return [str(item["id"])]
        except AwsError as error:
            if error.code != GONE:
                raise
        if kind_of(item) == "REST":
            return []
        listed = await target.aws.read_all(service, "GetApis", "Items[]")
        return [str(api["ApiId"]) for api in listed if (api.get("Tags") or {}).get(TAG) == item["id"]]

    def _judge(self, item: Item, seen: Sequence[str]) -> Evidence:
        asked = f"API {item['id']}"
        if len(seen) > 1:
            says = f"made again more than once: {', '.join(seen)}; delete all but one of them"
            return Evidence(asked, "there once", says, Verdict.UNKNOWN)
        if not seen and kind_of(item) == "REST":
            says = "gone; a REST API is brought back only where it still is"
            return Evidence(asked, "there", says, Verdict.UNKNOWN)
        said = "gone" if not seen else "there" if seen[0] == item["id"] else f"there, as {seen[0]}"
        return Evidence(asked, "there", said, Verdict.HOLDS if seen else Verdict.ABSENT)

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        return [_make({"id": self.api, "spec": {}, "tags": {}} if isinstance(self.api, Unresolved) else self.api)]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        return [
            AwsCall(
                says=f"Delete the API {made}, which was made again",
                service="apigatewayv2",
                operation="DeleteApi",
                params={"ApiId": made},
                gone_ok=(GONE,),
            )
            for made in finding.facts.get("ids", ()) if made not in before.facts.get("ids", ())
        ]  # fmt: skip


def _make(item: Mapping[str, Any]) -> Change:
    return AwsCall(
        says=f"Make the API {item['id']} again: its id and its address are others",
        service="apigatewayv2",
        operation="CreateApi",
        params={"ProtocolType": "HTTP", **item["spec"], "Tags": {**item["tags"], TAG: item["id"]}},
        find=AwsRead("GetApis", {}, f"Items[?Tags.\"{TAG}\"=='{item['id']}'].ApiId | [0]"),
    )
