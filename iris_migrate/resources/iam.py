"""IAM roles of the archived functions, where there are none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, AwsRead, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Resource
from iris_migrate.resources.old_side.surroundings import role
from iris_migrate.resources.removal import Things
from iris_migrate.target import Target
from iris_migrate.values import Unresolved

_GONE = ("NoSuchEntity",)
_INLINE, _ATTACHED = "inline", "attached"


@dataclass(frozen=True, kw_only=True)
class RolesThere(Resource):
    """The roles are there, with at least what they allowed. What a role allows besides is left as it is."""

    kind: ClassVar[str] = "iam.roles_there"
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    calls: ClassVar[frozenset[str]] = frozenset(
        {
            "iam:GetRole", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
            "iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DeleteRole", "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
        }
    )  # fmt: skip
    roles: Things

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.roles, Unresolved)
        found = await asyncio.gather(*(role(target.aws, str(item["id"])) for item in self.roles))
        facts: dict[str, Any] = {}
        evidence = []
        for item, seen in zip(self.roles, found, strict=True):
            has = None if seen is None else {_INLINE: sorted(seen[_INLINE]), _ATTACHED: seen[_ATTACHED]}
            facts[str(item["id"])] = has
            missing = ["the role", *_lacks(item, None)] if has is None else _lacks(item, has)
            said = f"missing: {', '.join(missing)}" if missing else "there"
            verdict = Verdict.ABSENT if missing else Verdict.HOLDS
            evidence.append(Evidence(f"role {item['id']}", "there, with its policies", said, verdict))
        evidence = evidence or [Evidence("roles", "as listed", "none is listed", Verdict.HOLDS)]
        return conclude(evidence, facts={"roles": facts})

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        if isinstance(self.roles, Unresolved):
            return [_call("Make the roles from the archive", "CreateRole", RoleName=self.roles)]
        seen = finding.facts.get("roles", {})
        return [change for item in self.roles for change in _make(item, seen.get(str(item["id"])))]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        assert not isinstance(self.roles, Unresolved)
        was, now = before.facts.get("roles", {}), finding.facts.get("roles", {})
        return [
            change for item in self.roles if now.get(str(item["id"]))
            for change in _remove(str(item["id"]), was.get(str(item["id"])), now[str(item["id"])])
        ]  # fmt: skip


def _lacks(item: Mapping[str, Any], has: Mapping[str, Any] | None) -> list[str]:
    """The policies that a role should have and has not."""
    return [
        *(name for name in item[_INLINE] if not has or name not in has[_INLINE]),
        *(arn for arn in item[_ATTACHED] if not has or arn not in has[_ATTACHED]),
    ]


def _make(item: Mapping[str, Any], has: Mapping[str, Any] | None) -> Iterable[Change]:
    name, lacks = item["id"], _lacks(item, has)
    if has is None:
        params = {"Path": item["path"], "AssumeRolePolicyDocument": json.dumps(item["trust"], sort_keys=True)}
        find = AwsRead("GetRole", {"RoleName": name}, "Role.Arn", wait=5.0)
        described = {"Description": item["description"]} if item["description"] else {}
        yield _call(f"Make the role {name}", "CreateRole", find=find, RoleName=name, **params, **described)
    for policy, document in item[_INLINE].items():
        if policy in lacks:
            text = json.dumps(document, sort_keys=True)
            says = f"Give the role {name} its policy {policy}"
            yield _call(says, "PutRolePolicy", RoleName=name, PolicyName=policy, PolicyDocument=text)
    for arn in item[_ATTACHED]:
        if arn in lacks:
            yield _call(f"Attach {arn} to the role {name}", "AttachRolePolicy", RoleName=name, PolicyArn=arn)


def _remove(name: str, was: Mapping[str, Any] | None, now: Mapping[str, Any]) -> Iterable[Change]:
    had = was or {_INLINE: (), _ATTACHED: ()}
    for policy in now[_INLINE]:
        if policy not in had[_INLINE]:
            yield _call(f"Take the policy {policy} off {name}", "DeleteRolePolicy", RoleName=name, PolicyName=policy)
    for arn in now[_ATTACHED]:
        if arn not in had[_ATTACHED]:
            yield _call(f"Detach {arn} from {name}", "DetachRolePolicy", RoleName=name, PolicyArn=arn)
    if was is None:
        yield _call(f"Delete the role {name}", "DeleteRole", RoleName=name)


def _call(says: str, operation: str, find: AwsRead | None = None, **params: Any) -> Change:
    gone = _GONE if operation.startswith(("Delete", "Detach")) else ()
    return AwsCall(says=says, service="iam", operation=operation, params=params, gone_ok=gone, find=find)
