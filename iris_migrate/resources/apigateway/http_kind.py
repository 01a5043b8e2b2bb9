"""Parts of HTTP APIs: routes, integrations, authorizers. What deploys by itself needs no word more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, AwsRead, Change
from iris_migrate.resources.apigateway.kind import GONE, Item, Kind, Making, Place
from iris_migrate.resources.old_side.http_apis import Thing, integration_key
from iris_migrate.target import Aws

_LISTS = {
    "Route": "GetRoutes", "Integration": "GetIntegrations", "Authorizer": "GetAuthorizers", "Stage": "GetStages",
}  # fmt: skip
_NAMED = ("Route", "Integration", "Authorizer")  # what a route names, and itself


_KEYS = {"Route": "RouteKey", "Authorizer": "Name", "Stage": "StageName"}


def _calls(*operations: str) -> frozenset[str]:
    return frozenset(f"apigatewayv2:{name}" for name in operations)


class HttpKind(Kind):
    service: ClassVar[str] = "apigatewayv2"
    calls: ClassVar[Mapping[str, frozenset[str]]] = {
        "Route": _calls(
            *(_LISTS[name] for name in _NAMED), "DeleteRoute", "CreateRoute", "CreateDeployment", "GetDeployments"
        ),
        "Integration": _calls("GetIntegrations", "DeleteIntegration", "CreateIntegration"),
        "Authorizer": _calls("GetAuthorizers", "DeleteAuthorizer", "CreateAuthorizer"),
        "Stage": _calls("GetStages", "DeleteStage", "CreateStage"),  # they stay, as the API does, where it does
        "Plan": frozenset(),  # of REST APIs alone
    }

    async def place(self, aws: Aws, api: str, what: str) -> Place:
        names = _NAMED if what == "Route" else (what,)
        reads = [aws.read_all(self.service, _LISTS[name], "Items[]", ApiId=api) for name in names]
        found = dict(zip(names, await asyncio.gather(*reads), strict=True))
        return {name: _ids(name, items) for name, items in found.items()}

    def needs(self, what: str, item: Item) -> Sequence[tuple[str, str]]:
        wanted = (("Integration", item.get("integration")), ("Authorizer", item.get("authorizer")))
        return [(name, str(key)) for name, key in wanted if key] if what == "Route" else []

    def make(self, what: str, making: Making) -> list[Change]:
        item = making.item
        return [
            AwsCall(
                says=f"Make the {what.lower()} {item['key']} in API {item['api']}",
                service=self.service,
                operation=f"Create{what}",
                params={"ApiId": item["api"], **item["spec"], **making.sealed, **self._links(what, making)},
                find=AwsRead(_LISTS[what], {"ApiId": item["api"]}, _found(what, item)),
            )
        ]

    def _links(self, what: str, making: Making) -> Thing:
        """What of a route names others by their ids."""
        found: Thing = {}
        for name, key in self.needs(what, making.item):
            id_ = making.id_of(name, key)
            found |= {"Target": f"integrations/{id_}"} if name == "Integration" else {"AuthorizerId": id_}
        return found

    def remove(self, what: str, item: Item, id_: Any) -> list[Change]:
        return [
            AwsCall(
                says=f"Remove the {what.lower()} {item['key']} from API {item['api']}",
                service=self.service,
                operation=f"Delete{what}",
                params={"ApiId": item["api"], "StageName" if what == "Stage" else f"{what}Id": id_},
                gone_ok=(GONE,),
            )
        ]


def deployment(api: str, stage: str) -> Change:
    """A stage that does not deploy by itself goes on serving the old routes until it is told."""
    return AwsCall(
        says=f"Deploy API {api} to its stage {stage}, which does not do so by itself",
        service="apigatewayv2",
        operation="CreateDeployment",
        params={"ApiId": api, "StageName": stage},
        find=AwsRead("GetDeployments", {"ApiId": api}, "`null`", wait=0.0),  # a second deployment does no harm
    )


def _found(what: str, item: Item) -> str:
    """JMESPath that finds a part in its list."""
    if what == "Route":
        return f"Items[?RouteKey=='{item['key']}'].RouteId | [0]"
    if what == "Stage":
        return f"Items[?StageName=='{item['key']}'].StageName | [0]"
    if what == "Authorizer":
        return f"Items[?Name=='{item['key']}'].AuthorizerId | [0]"
    return f"Items[?IntegrationUri=='{item['spec'].get('IntegrationUri', '')}'].IntegrationId | [0]"


def _ids(what: str, items: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in items:
        key = integration_key(item) if what == "Integration" else str(item[_KEYS[what]])
        found.setdefault(key, []).append(str(item["StageName" if what == "Stage" else f"{what}Id"]))
    return found
