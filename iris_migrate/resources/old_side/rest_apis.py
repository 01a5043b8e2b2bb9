"""REST APIs that call a function. They are found, and said; taking them down is not built yet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from iris_migrate.resources.old_side.http_apis import calls
from iris_migrate.target import Aws


async def rest_callers(aws: Aws, function: str) -> list[tuple[str, str]]:
    """(API, what of it calls the function): methods, and authorizers."""
    listed = await aws.read_all("apigateway", "GetRestApis", "items[]")
    found = await asyncio.gather(*(_callers(aws, str(api["id"]), function) for api in listed))
    return [item for part in found for item in part]


async def _callers(aws: Aws, api: str, function: str) -> list[tuple[str, str]]:
    resources, authorizers = await asyncio.gather(
        aws.read_all("apigateway", "GetResources", "items[]", restApiId=api, embed=("methods",)),
        aws.read_all("apigateway", "GetAuthorizers", "items[]", restApiId=api),
    )
    methods = [
        (api, f"its method {verb} {item['path']}")
        for item in resources
        for verb, method in (item.get("resourceMethods") or {}).items()
        if calls(_uri(method), function)
    ]
    return methods + [
        (api, f"its authorizer {item['name']}")
        for item in authorizers
        if calls(str(item.get("authorizerUri", "")), function)
    ]


def _uri(method: Mapping[str, Any]) -> str:
    return str((method.get("methodIntegration") or {}).get("uri", ""))
