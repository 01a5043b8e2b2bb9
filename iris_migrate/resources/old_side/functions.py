"""A Lambda function whole: versions, aliases, permissions, triggers; without the values of its variables."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from iris_migrate.resources.old_side.http_apis import Thing, picked
from iris_migrate.target import Aws, AwsError

# What CreateFunction takes of a configuration as GetFunction shows it; what is of another shape there is made by hand.
CONFIGURATION = (
    "Architectures", "DeadLetterConfig", "Description", "Environment", "EphemeralStorage", "FileSystemConfigs",
    "Handler", "ImageConfigResponse", "KMSKeyArn", "Layers", "LoggingConfig", "MemorySize", "Runtime", "SnapStart",
    "Timeout", "TracingConfig", "VpcConfig",
)  # fmt: skip
_GONE = ("ResourceNotFoundException",)
_ALIAS = ("Name", "FunctionVersion", "Description", "RoutingConfig")
_URL = ("AuthType", "Cors", "InvokeMode")
_SOURCE = (
    "UUID", "EventSourceArn", "BatchSize", "Enabled", "FilterCriteria", "MaximumBatchingWindowInSeconds",
    "StartingPosition",
)  # fmt: skip
# Conditions of a permission, as AddPermission takes them.
_CONDITIONS = {
    "AWS:SourceArn": "SourceArn",
    "AWS:SourceAccount": "SourceAccount",
    "aws:PrincipalOrgID": "PrincipalOrgID",
    "lambda:FunctionUrlAuthType": "FunctionUrlAuthType",
    "lambda:EventSourceToken": "EventSourceToken",
}


async def function(aws: Aws, name: str) -> Thing | None:
    """The function; None when there is none."""
    try:
        whole = await aws.read("lambda", "GetFunction", FunctionName=name)
    except AwsError as error:
        if error.code in _GONE:
            return None
        raise
    versions, aliases, limit, url, sources = await asyncio.gather(
        aws.read_all("lambda", "ListVersionsByFunction", "Versions[]", FunctionName=name),
        aws.read_all("lambda", "ListAliases", "Aliases[]", FunctionName=name),
        _optional(aws, "GetFunctionConcurrency", FunctionName=name),
        _optional(aws, "GetFunctionUrlConfig", FunctionName=name),
        aws.read_all("lambda", "ListEventSourceMappings", "EventSourceMappings[]", FunctionName=name),
    )
    numbered = [str(item["Version"]) for item in versions if item["Version"] != "$LATEST"]
    named = [str(item["Name"]) for item in aliases]
    published = await asyncio.gather(
        *(aws.read("lambda", "GetFunction", FunctionName=name, Qualifier=number) for number in numbered)
    )
    policies = await asyncio.gather(*(_permissions(aws, name, qualifier) for qualifier in ("", *named)))
    configuration = whole["Configuration"]
    return {
        "id": name, "arn": str(configuration["FunctionArn"]), "package": str(configuration.get("PackageType", "Zip")),
        "role": str(configuration.get("Role", "")), "latest": _version(whole),
        "versions": [_version(item) for item in published],
        "aliases": sorted((picked(item, _ALIAS) for item in aliases), key=lambda item: str(item["Name"])),
        "permissions": sorted((item for policy in policies for item in policy), key=_place),
        "concurrency": limit.get("ReservedConcurrentExecutions"), "url": picked(url, _URL) if url else None,
        "address": str(url.get("FunctionUrl", "")), "sources": [picked(item, _SOURCE) for item in sources],
        "log_group": _log_group(configuration), "tags": dict(whole.get("Tags") or {}),
    }  # fmt: skip


def _version(whole: Mapping[str, Any]) -> Thing:
    configuration, code = whole["Configuration"], whole.get("Code") or {}
    layers = [str(item["Arn"]) for item in configuration.get("Layers") or ()]
    return {
        "version": str(configuration["Version"]), "image": str(code.get("ResolvedImageUri") or ""),
        "sha256": str(configuration.get("CodeSha256") or ""), "layers": layers,
        "description": str(configuration.get("Description") or ""),
        "modified": str(configuration.get("LastModified") or ""),
        "fields": sorted(name for name in CONFIGURATION if configuration.get(name) not in (None, "", {}, [])),
    }  # fmt: skip


async def _optional(aws: Aws, operation: str, **params: Any) -> Mapping[str, Any]:
    """An answer, empty when there is no such thing."""
    try:
        return await aws.read("lambda", operation, **params)
    except AwsError as error:
        if error.code in _GONE:
            return {}
        raise


async def _permissions(aws: Aws, name: str, qualifier: str) -> list[Thing]:
    params = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
    answer = await _optional(aws, "GetPolicy", **params)
    statements = json.loads(answer.get("Policy") or "{}").get("Statement") or ()
    found = [{**permission(item), **({"Qualifier": qualifier} if qualifier else {})} for item in statements]
    suffix = f":{name}:{qualifier}" if qualifier else f":{name}"
    wanted = [str(item.get("Resource", "")).endswith(suffix) or "Resource" not in item for item in statements]
    return [item for item, fits in zip(found, wanted, strict=True) if fits]


def permission(statement: Mapping[str, Any]) -> Thing:
    """A statement of a function's policy as AddPermission takes it."""
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        principal = principal.get("Service") or principal.get("AWS")
    found = {"StatementId": statement["Sid"], "Action": statement["Action"], "Principal": str(principal)}
    for test in (statement.get("Condition") or {}).values():
        for name, value in test.items():
            if name in _CONDITIONS:
                found[_CONDITIONS[name]] = value
    return dict(sorted(found.items()))


def _place(item: Thing) -> tuple[str, str]:
    return str(item.get("Qualifier", "")), str(item["StatementId"])


def _log_group(configuration: Mapping[str, Any]) -> str:
    settings = configuration.get("LoggingConfig") or {}
    return str(settings.get("LogGroup") or f"/aws/lambda/{configuration['FunctionName']}")
