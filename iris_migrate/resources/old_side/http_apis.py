"""The HTTP APIs in front of a function: what of them is the function's alone, as data that could make it again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

from iris_migrate.encoding import canonical
from iris_migrate.target import Aws
from iris_migrate.values import digest

Thing = dict[str, Any]

# What CreateRoute, CreateIntegration, CreateAuthorizer and CreateStage take of what the Get calls show.
ROUTE = (
    "RouteKey", "AuthorizationType", "AuthorizationScopes", "ApiKeyRequired",
    "OperationName", "ModelSelectionExpression", "RequestModels", "RequestParameters",
    "RouteResponseSelectionExpression",
)  # fmt: skip
INTEGRATION = (
    "IntegrationType", "IntegrationUri", "IntegrationMethod", "PayloadFormatVersion", "TimeoutInMillis",
    "ConnectionType", "ConnectionId", "CredentialsArn", "Description", "IntegrationSubtype", "TlsConfig",
)  # fmt: skip
SEALED = ("RequestParameters", "ResponseParameters")  # of an integration: what they say may be a secret
AUTHORIZER = (
    "Name", "AuthorizerType", "AuthorizerUri", "AuthorizerCredentialsArn", "AuthorizerPayloadFormatVersion",
    "AuthorizerResultTtlInSeconds", "EnableSimpleResponses", "IdentitySource", "JwtConfiguration",
)  # fmt: skip
STAGE = (
    "StageName", "AutoDeploy", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings", "Description", "Tags",
    "StageVariables",
)  # fmt: skip
API = ("Name", "Description", "CorsConfiguration", "RouteSelectionExpression", "Version")

_PLACE = re.compile(r"(arn:[a-z-]+:[a-z0-9-]+):[a-z0-9-]*:[0-9]*")  # region and account of an ARN


def picked(item: Mapping[str, Any], names: tuple[str, ...]) -> Thing:
    """The named fields that say something, in one order."""
    return {name: item[name] for name in sorted(names) if item.get(name) not in (None, "", {}, [])}


def calls(uri: str, function: str) -> bool:
    """Whether an integration's or authorizer's address is this function, with or without qualifier."""
    return re.search(rf":function:{re.escape(function)}(?::|/|$)", uri) is not None


def function_of(uri: str) -> str:
    found = re.search(r":function:([A-Za-z0-9_-]+)", uri)
    return found[1] if found else ""


async def http_apis(aws: Aws, function: str) -> list[Thing]:
    """Each API of which a route leads to the function, whole: what is ours is told apart later."""
    listed = await aws.read_all("apigatewayv2", "GetApis", "Items[]")
    found = await asyncio.gather(*(_api(aws, api) for api in listed if api.get("ProtocolType") == "HTTP"))
    return [api for api in found if _concerns(api, function)]


async def every_authorizer(aws: Aws) -> list[tuple[str, str]]:
    """(API, function) of every HTTP API's authorizers in the region."""
    listed = await aws.read_all("apigatewayv2", "GetApis", "Items[]")
    found: list[tuple[str, str]] = []
    for api in (item for item in listed if item.get("ProtocolType") == "HTTP"):
        name = str(api["ApiId"])
        for item in await aws.read_all("apigatewayv2", "GetAuthorizers", "Items[]", ApiId=name):
            found.append((name, function_of(str(item.get("AuthorizerUri", "")))))
    return found


async def _api(aws: Aws, api: Mapping[str, Any]) -> Thing:
    name = str(api["ApiId"])
    routes, integrations, authorizers, stages = await asyncio.gather(
        *(
            aws.read_all("apigatewayv2", f"Get{what}", "Items[]", ApiId=name)
            for what in ("Routes", "Integrations", "Authorizers", "Stages")
        )
    )
    return {
        "kind": "HTTP", "id": name, "name": str(api.get("Name", "")), "endpoint": str(api.get("ApiEndpoint", "")),
        "spec": picked(api, API), "disabled": bool(api.get("DisableExecuteApiEndpoint")),
        "tags": {key: value for key, value in (api.get("Tags") or {}).items() if not key.startswith("iris-migrate:")},
        **things(name, routes, integrations, authorizers),
        "stages": [{"id": str(item["StageName"]), "spec": picked(item, STAGE)} for item in stages],
    }  # fmt: skip


def things(
    api: str, routes: Sequence[Mapping[str, Any]], integrations: Sequence[Mapping[str, Any]],
    authorizers: Sequence[Mapping[str, Any]],
) -> dict[str, list[Thing]]:  # fmt: skip
    """The parts of an API by keys that outlive them: an id is another one after a restore, what it says is not."""
    to = {str(item["IntegrationId"]): integration_key(item) for item in integrations}
    by = {str(item["AuthorizerId"]): str(item["Name"]) for item in authorizers}
    made: dict[str, Thing] = {}
    for item in integrations:
        made.setdefault(integration_key(item), _integration(api, item))["ids"].append(str(item["IntegrationId"]))
    return {
        "routes": [
            {
                "api": api, "key": str(item["RouteKey"]), "spec": picked(item, ROUTE),
                "integration": to.get(str(item.get("Target", "")).removeprefix("integrations/"), ""),
                "authorizer": by.get(str(item.get("AuthorizerId") or ""), ""),
            }
            for item in sorted(routes, key=lambda item: str(item["RouteKey"]))
        ],
        "integrations": [{"api": api, "key": key, **made[key]} for key in sorted(made)],
        "authorizers": [
            {"api": api, "key": str(item["Name"]), "spec": picked(item, AUTHORIZER)}
            for item in sorted(authorizers, key=lambda item: str(item["Name"]))
        ],
    }  # fmt: skip


def _integration(api: str, item: Mapping[str, Any]) -> Thing:
    """What may be a secret is named by where it lies in the archive, which is encrypted; the list is not."""
    place = f"[?IntegrationId=='{item['IntegrationId']}'] | [0]"
    return {
        "spec": picked(item, INTEGRATION), "ids": [], "from": f"apis/{api}/integrations.json",
        "sealed": {name: f"{place}.{name}" for name in SEALED if item.get(name)},
    }  # fmt: skip


def integration_key(item: Mapping[str, Any]) -> str:
    """The same for integrations that say the same, in whatever account; the console makes one for each route."""
    spec = picked(item, (*INTEGRATION, *SEALED))
    says = _PLACE.sub(r"\1::", canonical(spec))
    return f"{function_of(str(spec.get('IntegrationUri', ''))) or 'integration'}-{digest(says)[:8]}"


def _concerns(api: Thing, function: str) -> bool:
    return any(calls(str(item["spec"].get("IntegrationUri", "")), function) for item in api["integrations"])


def parts(api: Thing, function: str) -> tuple[Thing, list[Thing]]:
    """What of an API is the function's alone (`routes`, `integrations`, `authorizers`), and the routes that are not."""
    targets = {
        item["key"] for item in api["integrations"] if calls(str(item["spec"].get("IntegrationUri", "")), function)
    }
    ours = [item for item in api["routes"] if item["integration"] in targets]
    others = [item for item in api["routes"] if item["integration"] not in targets]
    guarded = {item["authorizer"] for item in others}
    used = {item["authorizer"] for item in ours} - guarded
    return {
        "routes": ours,
        "integrations": [item for item in api["integrations"] if item["key"] in targets],
        "authorizers": [item for item in api["authorizers"] if item["key"] in used],
    }, others
