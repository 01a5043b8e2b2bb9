"""IAM as far as our policies use it: the action and resource of a recorded call, and whether a policy allows it.

Verb and path of a call to API Gateway come from botocore's own models, not from ours.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import botocore.session

from iris_migrate.engine.permission_resources import ONLY_EVERYTHING

Policy = Mapping[str, Any]
FREE = frozenset({"sts:GetCallerIdentity"})  # needs no permission
_OTHER_NAMES = {"lambda:Invoke": "lambda:InvokeFunction"}


@cache
def _operation(service: str, name: str) -> Any:
    return botocore.session.get_session().get_service_model(service).operation_model(name)


def action_of(call: Mapping[str, Any]) -> str:
    """The action that a call needs."""
    service, operation = str(call["service"]), str(call["operation"])
    if service in ("apigateway", "apigatewayv2"):
        return f"apigateway:{_operation(service, operation).http['method']}"
    return _OTHER_NAMES.get(f"{service}:{operation}", f"{service}:{operation}")


def resources_of(call: Mapping[str, Any]) -> list[str]:
    """What a call is about, as ARNs; `*` for what has none."""
    action, region, account, params = action_of(call), call["region"], call["account"], call["params"]
    service = action.partition(":")[0]
    if action in ONLY_EVERYTHING:
        return ["*"]
    if service == "apigateway":
        return [f"arn:aws:apigateway:{region}::{_path(call)}"]
    if service == "lambda":
        if uuid := params.get("UUID"):
            return [f"arn:aws:lambda:{region}:{account}:event-source-mapping:{uuid}"]
        if layer := params.get("LayerName") or params.get("Arn"):
            return [layer if layer.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:layer:{layer}"]
        name = params["FunctionName"]
        return [name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{name}"]
    if service == "ecr":
        names = [params["repositoryName"]] if "repositoryName" in params else params.get("repositoryNames") or ["*"]
        arn = params.get("resourceArn")
        return [arn] if arn else [f"arn:aws:ecr:{region}:{account}:repository/{name}" for name in names]
    if service == "iam":
        role = params.get("RoleName")
        return [f"arn:aws:iam::{account}:role/{role}" if role else params["PolicySourceArn"]]
    if service == "logs":
        return [f"arn:aws:logs:{region}:{account}:log-group:{params['logGroupName']}"]
    if service == "cloudwatch":
        return [f"arn:aws:cloudwatch:{region}:{account}:alarm:*"]
    raise AssertionError(f"no resource is known for {action}")


def _path(call: Mapping[str, Any]) -> str:
    """The path of a call to API Gateway without its version, which is the name of the resource."""
    operation = _operation(call["service"], call["operation"])
    given = {name.lower(): value for name, value in call["params"].items()}
    places = {
        shape.serialization.get("name", name): given.get(name.lower())
        for name, shape in (operation.input_shape.members if operation.input_shape else {}).items()
    }
    uri = operation.http["requestUri"].partition("?")[0].removeprefix("/v2")
    return re.sub(r"{(\w+)\+?}", lambda found: str(places[found[1]]), uri)


def allowed(policy: Policy, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether a policy lets an action be done: one statement allows it, and none denies it."""
    effects = {
        statement["Effect"]
        for statement in policy["Statement"]
        if action in statement["Action"] and _on(statement, resource) and _when(statement, context)
    }
    return effects == {"Allow"}


def _on(statement: Mapping[str, Any], resource: str) -> bool:
    patterns = statement["Resource"]
    return any(
        fnmatch.fnmatchcase(resource, pattern) for pattern in ([patterns] if isinstance(patterns, str) else patterns)
    )


def _when(statement: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    (operator, wanted), *more = [*statement.get("Condition", {"StringEquals": {}}).items()]
    assert operator == "StringEquals" and not more, "only this is understood here"
    return all(context.get(name) == value for name, value in wanted.items())


def needs_of(call: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """What a call needs, as action, resource and context; making a function also passes its role on."""
    context = {"aws:RequestedRegion": call["region"]}
    for resource in resources_of(call):
        yield action_of(call), resource, context
    if action_of(call) == "lambda:CreateFunction":
        yield "iam:PassRole", call["params"]["Role"], {**context, "iam:PassedToService": "lambda.amazonaws.com"}


def denied(policy: Policy, calls: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The calls that a policy does not let through, each as action and resource."""
    for call in calls:
        for action, resource, context in needs_of(call):
            if not allowed(policy, action, resource, context):
                yield f"{action} on {resource} in {call['region']}"


def without(policy: Policy, action: str) -> Policy:
    """The policy with an action dropped wherever it is allowed."""
    statements = [
        {**statement, "Action": [one for one in statement["Action"] if one != action or statement["Effect"] == "Deny"]}
        for statement in policy["Statement"]
    ]
    return {**policy, "Statement": statements}
