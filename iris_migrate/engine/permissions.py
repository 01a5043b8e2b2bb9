"""The IAM policy that a checklist needs: from the calls that its resources declare and the engine's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from iris_migrate.engine.bill import CALLS as COST
from iris_migrate.engine.discovery import CALLS as DISCOVERY
from iris_migrate.language.checklist import Checklist
from iris_migrate.resources.base import resource_class

# What the session, the lease and the connection to the host call by themselves.
OWN = frozenset({"ec2:DescribeInstances", "ec2:GetConsoleOutput"})
LEASE = frozenset({"ec2:DescribeTags", "ec2:CreateTags"})  # taken by the first change: what only looks needs none
UNGUARDED = frozenset({"sts:GetCallerIdentity"})  # needs no permission

# Operations whose action has another name (IAM's service authorization reference).
_ACTIONS = {"lambda:Invoke": "lambda:InvokeFunction", "s3:ListObjectsV2": "s3:ListBucket"}
_PREFIXES = {"elbv2": "elasticloadbalancing", "apigatewayv2": "apigateway"}
_READS = ("Describe", "Get", "List", "BatchGet", "BatchCheck", "Filter", "Simulate", "Lookup", "Search")
# What undoing needs; allowed only on what iris-migrate made.
_PUTS_BACK = frozenset({"ec2:TerminateInstances", "ec2:ReleaseAddress", "ec2:DeleteSecurityGroup", "ec2:DeleteKeyPair"})
# What taking the old side down must never do to the new host.
_HARMS = ("ec2:DeleteVolume", "ec2:ReleaseAddress", "ec2:StopInstances", "ec2:TerminateInstances")
_PARAMETERS = "arn:aws:ssm:{region}::parameter/aws/service/*"


def calls_of(checklist: Checklist) -> frozenset[str]:
    """Every call that steps of a checklist may make, and the engine's own. What is left out by a rule needs none."""
    classes = [resource_class(step.resource) for step in checklist.steps if not step.left_out]
    declared = OWN.union(*(cls.calls for cls in classes))
    if any(not cls.check_only for cls in classes):
        declared |= LEASE
    return frozenset(declared) - UNGUARDED


def action(call: str) -> str:
    """The IAM action of an API operation. API Gateway knows only HTTP's verbs."""
    service, _, operation = call.partition(":")
    if service in ("apigateway", "apigatewayv2"):
        if operation == "TagResource":
            return "apigateway:POST" if service == "apigatewayv2" else "apigateway:PUT"
        return f"apigateway:{_verb(operation)}"
    return _ACTIONS.get(call, f"{_PREFIXES.get(service, service)}:{operation}")


def _verb(operation: str) -> str:
    if operation.startswith("Get"):
        return "GET"
    if operation.startswith(("Create", "Import")):
        return "POST"
    if operation.startswith(("Delete", "Untag")):
        return "DELETE"
    return "PATCH" if operation.startswith("Update") else "PUT"


def policy(checklist: Checklist, region: str) -> dict[str, Any]:
    """A policy document. Reads and writes are apart; what only an undo needs is bound to the tag of what we made."""
    calls = calls_of(checklist)
    actions = {call: action(call) for call in calls}
    reads = {call for call in calls if call.partition(":")[2].startswith(_READS)}
    parameters = {call for call in reads if call.startswith("ssm:")}
    here = {"StringEquals": {"aws:RequestedRegion": region}}
    tagged = {"StringEquals": {"aws:ResourceTag/app": "iris-migrate"}}
    statements = [
        _statement("Look", (actions[call] for call in reads - parameters), "*"),
        _statement("Images", (actions[call] for call in parameters), _PARAMETERS.format(region=region)),
        _statement("Make", (actions[call] for call in calls - reads - _PUTS_BACK), "*", here),
        _statement("PutBack", (actions[call] for call in calls & _PUTS_BACK), "*", tagged),
    ]
    if any(step.risk == "costs" for step in checklist.steps):  # without it the shipped prices are used, and it is said
        statements.append(_statement("SeeTheCost", (action(call) for call in COST | DISCOVERY), "*"))
    if "lambda:CreateFunction" in calls:  # a function that is made again gets its role back
        passed = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
        statements.append(_statement("GiveTheRoleBack", ["iam:PassRole"], "*", passed))
    if any(call.startswith("lambda:Delete") for call in calls):
        statements.append({**_statement("ProtectTheNewHost", _HARMS, "*"), "Effect": "Deny"})
    return {"Version": "2012-10-17", "Statement": [statement for statement in statements if statement["Action"]]}


def _statement(
    name: str, actions: Iterable[str], resource: str, condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    found = {"Sid": name, "Effect": "Allow", "Action": sorted(set(actions)), "Resource": resource}
    return {**found, "Condition": condition} if condition else found
