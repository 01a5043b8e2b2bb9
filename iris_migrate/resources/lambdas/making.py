"""The Changes that make a function again from an archive: code, variables, versions, aliases, permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iris_migrate.changes import AwsCall, AwsRead, Change
from iris_migrate.values import AnswerRef, Archived

_BUSY = ("ResourceConflictException", "ResourceNotFoundException")  # an update is under way, or is not seen yet
# Where a field stands in GetFunction's answer, where CreateFunction wants another shape.
_SHAPES = {
    "Environment": "Configuration.Environment.{Variables: Variables}",
    "Layers": "Configuration.Layers[].Arn",
    "ImageConfigResponse": "Configuration.ImageConfigResponse.ImageConfig",
    "VpcConfig": "Configuration.VpcConfig.{SubnetIds: SubnetIds, SecurityGroupIds: SecurityGroupIds}",
    "SnapStart": "Configuration.SnapStart.{ApplyOn: ApplyOn}",
}
_NAMES = {"ImageConfigResponse": "ImageConfig"}
_ONLY_AT_FIRST = ("Architectures",)  # UpdateFunctionConfiguration does not take them


def item(function: str, version: str) -> str:
    """The name in the archive of what GetFunction showed of a version."""
    return f"functions/{function}/{version.lstrip('$')}.json"


def code_item(function: str, sha256: str) -> str:
    """The name in the archive of a zip; versions with the same code share it."""
    plain = sha256.replace("/", "_").replace("+", "-").rstrip("=")
    return f"functions/{function}/code/{plain}.zip"


def make(function: Mapping[str, Any], folder: str) -> list[Change]:
    """Everything that makes a function as it was archived. Version numbers begin at 1 again; aliases follow them."""
    name = function["id"]
    states = [*function["versions"], {**function["latest"], "version": "$LATEST"}]
    changes: list[Change] = [_create(function, states[0], folder)]
    for number, state in enumerate(states):
        if number:
            changes += _update(name, state, folder)
        if state["version"] != "$LATEST":
            changes.append(_publish(name, state))
    changes += [_alias(name, alias, function) for alias in function["aliases"]]
    changes += [_permission(name, permission) for permission in function["permissions"]]
    return changes + _limits(function)


def _code(name: str, state: Mapping[str, Any], folder: str) -> dict[str, Any]:
    if state["image"]:
        return {"ImageUri": state["image"]}
    return {"ZipFile": Archived(folder, code_item(name, state["sha256"]))}


def _settings(name: str, state: Mapping[str, Any], folder: str) -> dict[str, Any]:
    where = item(name, state["version"])
    return {
        _NAMES.get(field, field): Archived(folder, where, _SHAPES.get(field, f"Configuration.{field}"))
        for field in state["fields"]
    }


def _create(function: Mapping[str, Any], state: Mapping[str, Any], folder: str) -> Change:
    name = function["id"]
    return AwsCall(
        says=f"Make the function {name} from the archive",
        service="lambda",
        operation="CreateFunction",
        params={
            "FunctionName": name, "Role": function["role"], "PackageType": function["package"],
            "Code": _code(name, state, folder), **_settings(name, state, folder),
            **({"Tags": function["tags"]} if function["tags"] else {}),
        },
        # A role that was just made cannot be assumed yet.
        retry_on=("InvalidParameterValueException",),
        find=AwsRead("GetFunction", {"FunctionName": name}, "Configuration.FunctionArn", wait=10.0),
    )  # fmt: skip


def _update(name: str, state: Mapping[str, Any], folder: str) -> list[Change]:
    settings = {field: value for field, value in _settings(name, state, folder).items() if field not in _ONLY_AT_FIRST}
    version = state["version"]
    return [
        AwsCall(
            says=f"Give {name} the code of version {version}",
            service="lambda",
            operation="UpdateFunctionCode",
            params={"FunctionName": name, **_code(name, state, folder)},
            retry_on=_BUSY,
        ),
        AwsCall(
            says=f"Give {name} the configuration of version {version}",
            service="lambda",
            operation="UpdateFunctionConfiguration",
            params={"FunctionName": name, **settings},
            retry_on=_BUSY,
        ),
    ]


def _publish(name: str, state: Mapping[str, Any]) -> Change:
    return AwsCall(
        says=f"Publish what was version {state['version']} of {name}",
        service="lambda",
        operation="PublishVersion",
        params={"FunctionName": name, "Description": state["description"]},
        answers={_number(name, state["version"]): "Version"},
        retry_on=_BUSY,
        find=AwsRead(
            "ListVersionsByFunction", {"FunctionName": name}, f"Versions[?CodeSha256=='{state['sha256']}'] | [-1]",
            {_number(name, state["version"]): "Versions[-1].Version"}, wait=10.0,
        ),
    )  # fmt: skip


def _number(name: str, version: str) -> str:
    return f"version-{version}-of-{name}"


def _alias(name: str, alias: Mapping[str, Any], function: Mapping[str, Any]) -> Change:
    known = {state["version"] for state in function["versions"]}
    version = alias["FunctionVersion"]
    params = {**alias, "FunctionVersion": AnswerRef(_number(name, version)) if version in known else version}
    if weights := (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
        # The names of a mapping cannot be filled in: a second version is named by the number it has after a restore.
        order = [state["version"] for state in function["versions"]]
        again = {str(order.index(other) + 1): weight for other, weight in weights.items() if other in order}
        params["RoutingConfig"] = {"AdditionalVersionWeights": again}
    return AwsCall(
        says=f"Make the alias {alias['Name']} of {name}",
        service="lambda",
        operation="CreateAlias",
        params={"FunctionName": name, **params},
        find=AwsRead("GetAlias", {"FunctionName": name, "Name": alias["Name"]}, "AliasArn", wait=5.0),
    )


def _permission(name: str, permission: Mapping[str, Any]) -> Change:
    who = permission["Principal"]
    return AwsCall(
        says=f"Let {who} call {name} again ({permission['StatementId']})",
        service="lambda",
        operation="AddPermission",
        params={"FunctionName": name, **permission},
        gone_ok=("ResourceConflictException",),
        find=AwsRead(
            "GetPolicy",
            {"FunctionName": name, **({"Qualifier": permission["Qualifier"]} if "Qualifier" in permission else {})},
            f"contains(Policy, '\"{permission['StatementId']}\"')",
            wait=5.0,
        ),
    )


def _limits(function: Mapping[str, Any]) -> list[Change]:
    """Reserved concurrency and the function's own address, whose URL is another than before."""
    name = function["id"]
    changes: list[Change] = []
    if function["concurrency"] is not None:
        changes.append(
            AwsCall(
                says=f"Reserve a concurrency of {function['concurrency']} for {name} again",
                service="lambda",
                operation="PutFunctionConcurrency",
                params={"FunctionName": name, "ReservedConcurrentExecutions": function["concurrency"]},
            )
        )
    if function["url"]:
        changes.append(
            AwsCall(
                says=f"Give {name} an address of its own; it is another than before",
                service="lambda",
                operation="CreateFunctionUrlConfig",
                params={"FunctionName": name, **function["url"]},
                find=AwsRead("GetFunctionUrlConfig", {"FunctionName": name}, "FunctionUrl", wait=5.0),
            )
        )
    return changes
