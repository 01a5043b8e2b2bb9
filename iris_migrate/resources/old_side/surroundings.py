"""What a function stands on and writes to: its role, the log groups. They stay, and are made again where none is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from iris_migrate.resources.old_side.http_apis import Thing
from iris_migrate.target import Aws, AwsError

_LOG_GROUP = ":log-group:"


async def roles(aws: Aws, functions: Iterable[Thing]) -> list[Thing]:
    """The functions' roles, with what they allow."""
    arns = sorted({str(item["role"]) for item in functions} - {""})
    return [item for item in await asyncio.gather(*(role(aws, arn.rpartition("/")[2]) for arn in arns)) if item]


async def role(aws: Aws, name: str) -> Thing | None:
    """A role as CreateRole and PutRolePolicy take it; None when there is none."""
    try:
        found = (await aws.read("iam", "GetRole", RoleName=name))["Role"]
    except AwsError as error:
        if error.code == "NoSuchEntity":
            return None
        raise
    names, attached = await asyncio.gather(
        aws.read_all("iam", "ListRolePolicies", "PolicyNames[]", RoleName=name),
        aws.read_all("iam", "ListAttachedRolePolicies", "AttachedPolicies[].PolicyArn", RoleName=name),
    )
    inline = await asyncio.gather(*(aws.read("iam", "GetRolePolicy", RoleName=name, PolicyName=one) for one in names))
    return {
        "id": name, "arn": str(found["Arn"]), "path": str(found.get("Path") or "/"),
        "trust": found["AssumeRolePolicyDocument"], "attached": sorted(str(arn) for arn in attached),
        "inline": {str(item["PolicyName"]): item["PolicyDocument"] for item in inline},
        "description": str(found.get("Description") or ""),
    }  # fmt: skip


async def log_groups(aws: Aws, functions: Iterable[Thing], apis: Iterable[Thing]) -> list[Thing]:
    """The log groups of functions and of stages, each with how long it keeps what it has (None: for ever)."""
    names = sorted({str(item["log_group"]) for item in functions} | set(_logged(apis)))
    found = await asyncio.gather(*(days_of(aws, name) for name in names))
    return [{"id": name, "days": days} for name, there in zip(names, found, strict=True) for days in there]


async def days_of(aws: Aws, name: str) -> list[int | None]:
    """How many days a log group keeps what it has; nothing when there is no such group."""
    listed = await aws.read_all("logs", "DescribeLogGroups", "logGroups[]", logGroupNamePrefix=name)
    return [item.get("retentionInDays") for item in listed if item["logGroupName"] == name]


def _logged(apis: Iterable[Thing]) -> Iterable[str]:
    """Where stages of either kind write who called."""
    for api in apis:
        for stage in api["stages"]:
            arns = [str(_access_log(stage["spec"]).get("DestinationArn") or "")]
            arns += [item["value"] for item in stage.get("settings", ()) if item["path"].endswith("/destinationArn")]
            yield from (arn.partition(_LOG_GROUP)[2].removesuffix(":*") for arn in arns if _LOG_GROUP in arn)


def _access_log(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = spec.get("AccessLogSettings") or {}
    return found
