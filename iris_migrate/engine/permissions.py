"""The IAM policy that a checklist needs: from the calls that its resources declare and the engine's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from iris_migrate.engine.bill import CALLS as COST
from iris_migrate.engine.discovery import CALLS as DISCOVERY
from iris_migrate.engine.permission_resources import resources
from iris_migrate.language.checklist import Checklist, Step
from iris_migrate.language.load import load
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
_HARMS = (
    "ec2:DeleteKeyPair", "ec2:DeleteSecurityGroup", "ec2:DeleteVolume", "ec2:DetachVolume", "ec2:DisassociateAddress",
    "ec2:ModifyInstanceAttribute", "ec2:RebootInstances", "ec2:ReleaseAddress", "ec2:RevokeSecurityGroupIngress",
    "ec2:StopInstances", "ec2:TerminateInstances",
)  # fmt: skip


def calls_of(checklist: Checklist) -> frozenset[str]:
    """Every call that steps of a checklist may make, and the engine's own. What is left out by a rule needs none."""
    classes = [resource_class(step.resource) for step in checklist.steps if not step.left_out]
    declared = OWN.union(*(cls.calls for cls in classes), *map(_looked_at, checklist.steps))
    if any(not cls.check_only for cls in classes):
        declared |= LEASE
    return frozenset(declared) - UNGUARDED


def _looked_at(step: Step) -> frozenset[str]:
    """What the engine calls for a gate: about another checklist, about this identity, about what the list saves."""
    if step.resource == "old_side.inventory":
        return DISCOVERY  # the list says what is saved a month
    if step.resource == "gates.permitted":
        return frozenset({"iam:SimulatePrincipalPolicy"})
    if step.resource != "gates.checklist_holds" or step.left_out:
        return frozenset()
    return frozenset(call for call in calls_of(load(str(step.with_["checklist"]))) if _reads(call))


def _reads(call: str) -> bool:
    return call.partition(":")[2].startswith(_READS)


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
    reads = {call for call in calls if _reads(call)}
    here = {"StringEquals": {"aws:RequestedRegion": region}}
    tagged = {"StringEquals": {"aws:ResourceTag/app": "iris-migrate"}}
    statements = [
        *_statements("Look", (actions[call] for call in reads), region),
        *_statements("Make", (actions[call] for call in calls - reads - _PUTS_BACK), region, here),
        *_statements("PutBack", (actions[call] for call in calls & _PUTS_BACK), region, tagged),
    ]
    if "ec2:RunInstances" in calls:  # without it the shipped prices are used, and it is said
        statements += _statements("SeeTheCost", (action(call) for call in COST | DISCOVERY), region)
    if "lambda:CreateFunction" in calls:  # a function that is made again gets its role back
        passed = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
        statements += _statements("GiveTheRoleBack", ["iam:PassRole"], region, passed)
    if any(call.startswith("lambda:Delete") for call in calls):
        statements.append({"Sid": "ProtectTheNewHost", "Effect": "Deny", "Action": list(_HARMS), "Resource": "*"})
    return {"Version": "2012-10-17", "Statement": statements}


def _statements(
    name: str, actions: Iterable[str], region: str, condition: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """One for each kind of resource that the actions are allowed on; those without any have a name of their own."""
    grouped: dict[tuple[str, ...], list[str]] = {}
    for one in sorted(set(actions)):
        grouped.setdefault(resources(one, region), []).append(one)
    found = []
    for on, these in sorted(grouped.items()):
        what = "" if on == ("*",) else "".join(part.title() for part in _kind(on[0]))
        statement = {"Sid": f"{name}{what}", "Effect": "Allow", "Action": these, "Resource": _one(on)}
        found.append({**statement, "Condition": condition} if condition else statement)
    return found


def _kind(pattern: str) -> tuple[str, ...]:
    """The service of an ARN, and the type where the service has several: for the name of a statement."""
    service, _, rest = pattern.removeprefix("arn:aws:").partition(":")
    extra = next((word for word in ("mapping", "layer") if word in rest), "")
    return (service, extra) if extra else (service,)


def _one(patterns: tuple[str, ...]) -> str | list[str]:
    return patterns[0] if len(patterns) == 1 else list(patterns)
