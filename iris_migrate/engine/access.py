"""Which permissions the identity has for a checklist: asked of AWS where it can be asked, unknown where it cannot."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass

from iris_migrate.connections.aws import AwsConnection
from iris_migrate.engine.discovery import CALLS
from iris_migrate.engine.permissions import OWN, UNGUARDED, action
from iris_migrate.language.checklist import Checklist
from iris_migrate.resources.base import resource_class
from iris_migrate.target import AwsError, Unreadable

_AT_ONCE = 50  # actions in one simulation
DISCOVERY = "Discovery"


@dataclass(frozen=True, slots=True)
class Access:
    """What one part of the way needs. The three add up to all its actions."""

    part: str
    allowed: tuple[str, ...]
    denied: tuple[str, ...]
    unknown: tuple[str, ...]


def needs(checklist: Checklist | None, *, discovery: bool = True) -> dict[str, frozenset[str]]:
    """The calls of each part: discovery, then the phases by title."""
    parts: dict[str, frozenset[str]] = {DISCOVERY: CALLS} if discovery else {}
    if checklist is None:
        return parts
    for phase in checklist.phases:
        steps = [step for step in checklist.steps if step.phase == phase.id and not step.left_out]
        calls = frozenset().union(*(resource_class(step.resource).calls for step in steps)) - UNGUARDED
        if calls:
            parts[f"{phase.id} {phase.title}"] = calls | (OWN if len(parts) == discovery else frozenset())
    return parts


async def access(aws: AwsConnection, arn: str, parts: dict[str, frozenset[str]]) -> tuple[Access, ...]:
    """What may be done. IAM's simulation knows all when it may be asked; else EC2's dry run knows its own reads."""
    wanted = sorted({call for calls in parts.values() for call in calls})
    answers = await _simulated(aws, arn, wanted)
    open_ = [call for call in wanted if call not in answers and call.startswith("ec2:Describe")]
    for call, answer in zip(open_, await asyncio.gather(*(_tried(aws, call) for call in open_)), strict=True):
        answers[call] = answer
    return tuple(
        Access(
            part,
            *(
                tuple(sorted({action(call) for call in calls if answers.get(call, "unknown") == answer}))
                for answer in ("allowed", "denied", "unknown")
            ),
        )
        for part, calls in parts.items()
    )


async def _tried(aws: AwsConnection, call: str) -> str:
    try:
        return await aws.may(call, {})
    except (AwsError, Unreadable):
        return "unknown"


async def _simulated(aws: AwsConnection, arn: str, calls: Iterable[str]) -> dict[str, str]:
    """Answers by call; none when the simulation may not be asked. A boundary of the organisation is not seen by it."""
    actions = {call: action(call) for call in calls}
    names = sorted(set(actions.values()))
    found: dict[str, str] = {}
    try:
        for at in range(0, len(names), _AT_ONCE):
            results = await aws.read_all(
                "iam", "SimulatePrincipalPolicy", "EvaluationResults[]", PolicySourceArn=principal(arn),
                ActionNames=tuple(names[at : at + _AT_ONCE]),
            )  # fmt: skip
            for item in results:
                found[str(item["EvalActionName"])] = "allowed" if item["EvalDecision"] == "allowed" else "denied"
    except (AwsError, Unreadable):
        return {}
    return {call: found[name] for call, name in actions.items() if name in found}


def principal(arn: str) -> str:
    """The role behind the identity of an assumed role; others stand for themselves."""
    found = re.fullmatch(r"arn:(aws[a-z-]*):sts::([0-9]+):assumed-role/([^/]+)/.*", arn)
    return f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}" if found else arn
