"""The REST APIs in front of a function: methods, authorizers, stages and usage plans, as data that makes them again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from iris_migrate.resources.old_side.http_apis import Thing, calls, picked
from iris_migrate.target import Aws

# What PutMethod, PutIntegration, CreateAuthorizer and CreateStage take of what the Get calls show.
METHOD = (
    "authorizationType", "authorizationScopes", "apiKeyRequired", "operationName", "requestValidatorId",
    "requestParameters", "requestModels",
)  # fmt: skip
INTEGRATION = (
    "type", "uri", "connectionType", "connectionId", "credentials", "passthroughBehavior", "contentHandling",
    "timeoutInMillis", "cacheKeyParameters", "tlsConfig",
)  # fmt: skip
SEALED = ("requestParameters", "requestTemplates")  # of an integration: what they say may be a secret
REPLY = ("statusCode", "selectionPattern", "contentHandling")
SEALED_REPLY = ("responseParameters", "responseTemplates")
RESPONSE = ("statusCode", "responseParameters", "responseModels")
AUTHORIZER = (
    "name", "type", "providerARNs", "authType", "authorizerUri", "authorizerCredentials", "identitySource",
    "identityValidationExpression", "authorizerResultTtlInSeconds",
)  # fmt: skip
STAGE = (
    "description", "cacheClusterEnabled", "cacheClusterSize", "variables", "documentationVersion", "tracingEnabled",
    "tags",
)  # fmt: skip
NOTE = "irisMigrateSwitchedOff"  # a stage's variable: seconds since the epoch at which it was switched off
# Paths of UpdateStage for what GetStages shows of the methods' settings.
_METHOD_SETTINGS = {
    "metricsEnabled": "metrics/enabled", "loggingLevel": "logging/loglevel", "dataTraceEnabled": "logging/dataTrace",
    "throttlingBurstLimit": "throttling/burstLimit", "throttlingRateLimit": "throttling/rateLimit",
    "cachingEnabled": "caching/enabled", "cacheTtlInSeconds": "caching/ttlInSeconds",
    "cacheDataEncrypted": "caching/dataEncrypted",
}  # fmt: skip


async def rest_apis(aws: Aws, function: str) -> list[Thing]:
    """Each API of which a method leads to the function, whole: what is ours is told apart later."""
    listed = await aws.read_all("apigateway", "GetRestApis", "items[]")
    seen = await asyncio.gather(*(_resources(aws, str(api["id"])) for api in listed))
    ours = [(api, found) for api, found in zip(listed, seen, strict=True) if _concerns(found, function)]
    return list(await asyncio.gather(*(_api(aws, api, found) for api, found in ours)))


async def rest_callers(aws: Aws, function: str) -> list[tuple[str, str]]:
    """(API, what of it calls the function): methods, and authorizers."""
    listed = await aws.read_all("apigateway", "GetRestApis", "items[]")
    found = await asyncio.gather(*(_callers(aws, str(api["id"]), function) for api in listed))
    return [item for part in found for item in part]


async def _callers(aws: Aws, api: str, function: str) -> list[tuple[str, str]]:
    resources, authorizers = await asyncio.gather(
        _resources(aws, api), aws.read_all("apigateway", "GetAuthorizers", "items[]", restApiId=api)
    )
    called = [
        (api, f"its method {verb} {path}") for _, path, verb, method in resources if calls(_uri(method), function)
    ]
    return called + [
        (api, f"its authorizer {item['name']}")
        for item in authorizers
        if calls(str(item.get("authorizerUri", "")), function)
    ]


async def _resources(aws: Aws, api: str) -> list[tuple[str, str, str, Mapping[str, Any]]]:
    return methods(await aws.read_all("apigateway", "GetResources", "items[]", restApiId=api, embed=("methods",)))


def methods(resources: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, Mapping[str, Any]]]:
    """(resource, path, verb, method) of every method."""
    return [
        (str(item.get("id", "")), str(item["path"]), verb, method)
        for item in sorted(resources, key=lambda item: str(item["path"]))
        for verb, method in sorted((item.get("resourceMethods") or {}).items())
    ]


async def _api(aws: Aws, api: Mapping[str, Any], found: list[tuple[str, str, str, Mapping[str, Any]]]) -> Thing:
    name = str(api["id"])
    authorizers, answer, plans = await asyncio.gather(
        aws.read_all("apigateway", "GetAuthorizers", "items[]", restApiId=name),
        aws.read("apigateway", "GetStages", restApiId=name),
        aws.read_all("apigateway", "GetUsagePlans", "items[]"),
    )
    by = {str(item["id"]): str(item["name"]) for item in authorizers}
    routes = [_method(name, path, verb, method, by) for _, path, verb, method in found]
    stages = [_stage(name, item, [route["key"] for route in routes]) for item in answer.get("item") or ()]
    base = f"https://{name}.execute-api.{aws.region}.amazonaws.com"
    return {
        "kind": "REST", "id": name, "name": str(api.get("name", "")),
        "endpoint": f"{base}/{stages[0]['key']}" if stages else base, "spec": {},
        "disabled": bool(api.get("disableExecuteApiEndpoint")), "tags": dict(api.get("tags") or {}),
        "routes": routes, "integrations": [],
        "authorizers": [
            {"api": name, "kind": "REST", "key": str(item["name"]), "spec": picked(item, AUTHORIZER)}
            for item in sorted(authorizers, key=lambda item: str(item["name"]))
        ],
        "stages": stages, "plans": [item for plan in plans for item in _members(name, plan)],
    }  # fmt: skip


def _method(api: str, path: str, verb: str, method: Mapping[str, Any], by: Mapping[str, str]) -> Thing:
    """A method with its integration. What may be a secret is named by where it lies in the archive."""
    integration = method.get("methodIntegration") or {}
    place = f"[?path=='{path}'] | [0].resourceMethods.{verb}.methodIntegration"
    proxy = picked(integration, INTEGRATION)
    if verb_there := integration.get("httpMethod"):
        proxy["integrationHttpMethod"] = verb_there
    return {
        "api": api, "kind": "REST", "key": f"{verb} {path}", "path": path, "verb": verb,
        "spec": picked(method, METHOD), "proxy": proxy, "authorizer": by.get(str(method.get("authorizerId") or ""), ""),
        "integration": "", "from": f"apis/{api}/resources.json",
        "sealed": {name: f"{place}.{name}" for name in SEALED if integration.get(name)},
        "responses": [picked(item, RESPONSE) for _, item in sorted((method.get("methodResponses") or {}).items())],
        "replies": [
            {
                "spec": picked(item, REPLY),
                "sealed": {
                    name: f'{place}.integrationResponses."{status}".{name}' for name in SEALED_REPLY if item.get(name)
                },
            }
            for status, item in sorted((integration.get("integrationResponses") or {}).items())
        ],
    }  # fmt: skip


def _stage(api: str, stage: Mapping[str, Any], routes: list[str]) -> Thing:
    spec = picked(stage, STAGE)
    if NOTE in spec.get("variables", {}):
        spec["variables"] = {name: value for name, value in spec["variables"].items() if name != NOTE}
    return {
        "api": api, "kind": "REST", "key": str(stage["stageName"]), "spec": spec, "settings": settings_of(stage),
        "routes": routes,
    }  # fmt: skip


def settings_of(stage: Mapping[str, Any]) -> list[dict[str, str]]:
    """What CreateStage does not take: the access log, and settings of methods; as UpdateStage takes them."""
    found = [
        {"op": "replace", "path": f"/accessLogSettings/{name}", "value": str(value)}
        for name, value in sorted((stage.get("accessLogSettings") or {}).items())
    ]
    for method, settings in sorted((stage.get("methodSettings") or {}).items()):
        for name, value in sorted(settings.items()):
            if name in _METHOD_SETTINGS:
                said = str(value).lower() if isinstance(value, bool) else str(value)
                found.append({"op": "replace", "path": f"/{method}/{_METHOD_SETTINGS[name]}", "value": said})
    return found


def members(plan: Mapping[str, Any]) -> Iterable[str]:
    """The stages that a usage plan has, each as `plan/api:stage`."""
    for item in plan.get("apiStages") or ():
        yield f"{plan['id']}/{item['apiId']}:{item['stage']}"


def _members(api: str, plan: Mapping[str, Any]) -> Iterable[Thing]:
    for item in plan.get("apiStages") or ():
        if item["apiId"] == api:
            key = f"{plan['id']}/{api}:{item['stage']}"
            yield {"api": api, "kind": "REST", "key": key, "plan": str(plan["id"]), "stage": str(item["stage"])}


def rest_parts(api: Thing, function: str) -> tuple[Thing, list[Thing]]:
    """What of an API is the function's alone, and the methods that are not. A mock goes with the rest."""
    leads = [item for item in api["routes"] if calls(str(item["proxy"].get("uri", "")), function)]
    mocks = [item for item in api["routes"] if item["proxy"].get("type") == "MOCK"]
    others = [item for item in api["routes"] if item not in leads and item not in mocks]
    ours = [item for item in api["routes"] if item in leads or (item in mocks and not others)]
    guarded = {item["authorizer"] for item in others}
    used = {item["authorizer"] for item in ours} - guarded
    return {
        "routes": ours, "integrations": [],
        "authorizers": [item for item in api["authorizers"] if item["key"] in used],
    }, others  # fmt: skip


def _concerns(found: list[tuple[str, str, str, Mapping[str, Any]]], function: str) -> bool:
    return any(calls(_uri(method), function) for *_, method in found)


def _uri(method: Mapping[str, Any]) -> str:
    return str((method.get("methodIntegration") or {}).get("uri", ""))
