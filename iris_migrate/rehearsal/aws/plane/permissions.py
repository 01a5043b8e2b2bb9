"""Resource policies of functions: one for the function, one for each qualifier, as Lambda keeps them."""

from __future__ import annotations

import fnmatch
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iris_migrate.rehearsal.aws.plane.functions import FunctionName

_INVOKE = ("lambda:InvokeFunction", "lambda:*", "*")


@dataclass(slots=True)
class Policy:
    statements: dict[str, dict[str, Any]] = field(default_factory=dict)
    revision: str = field(default_factory=lambda: str(uuid.uuid4()))

    def document(self) -> str:
        return json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": list(self.statements.values())})


@dataclass(slots=True)
class Permissions:
    _policies: dict[FunctionName, Policy] = field(default_factory=dict)

    def policy(self, named: FunctionName) -> Policy | None:
        """The policy of exactly this function and qualifier, if it has a statement."""
        found = self._policies.get(named)
        return found if found and found.statements else None

    def add(self, named: FunctionName, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """The new statement; None when there is one of this id already."""
        policy = self._policies.setdefault(named, Policy())
        sid = str(params["StatementId"])
        if sid in policy.statements:
            return None
        policy.statements[sid] = _statement(named, params)
        policy.revision = str(uuid.uuid4())
        return policy.statements[sid]

    def remove(self, named: FunctionName, sid: str) -> bool:
        policy = self._policies.get(named)
        if policy is None or sid not in policy.statements:
            return False
        del policy.statements[sid]
        policy.revision = str(uuid.uuid4())
        return True

    def forget(self, account: str, region: str, name: str, qualifier: str = "") -> None:
        """A function, or one qualifier of it, was deleted."""
        for named in list(self._policies):
            same = (named.account, named.region, named.name) == (account, region, name)
            if same and (not qualifier or named.qualifier == qualifier):
                del self._policies[named]

    def allow(self, named: FunctionName, principal: str, source: str) -> bool:
        """Whether a service may invoke it on behalf of `source`, an ARN."""
        policy = self.policy(named)
        return policy is not None and any(_allows(item, principal, source) for item in policy.statements.values())


def _statement(named: FunctionName, params: Mapping[str, Any]) -> dict[str, Any]:
    principal = str(params["Principal"])
    conditions: dict[str, dict[str, str]] = {}
    if params.get("SourceArn"):
        conditions.setdefault("ArnLike", {})["AWS:SourceArn"] = str(params["SourceArn"])
    for name, key in (
        ("SourceAccount", "AWS:SourceAccount"),
        ("FunctionUrlAuthType", "lambda:FunctionUrlAuthType"),
        ("PrincipalOrgID", "aws:PrincipalOrgID"),
    ):
        if params.get(name):
            conditions.setdefault("StringEquals", {})[key] = str(params[name])
    if principal == "*":
        who: Any = "*"
    elif principal.endswith(".amazonaws.com"):
        who = {"Service": principal}
    else:
        who = {"AWS": f"arn:aws:iam::{principal}:root" if principal.isdigit() else principal}
    made = {
        "Sid": str(params["StatementId"]),
        "Effect": "Allow",
        "Principal": who,
        "Action": str(params["Action"]),
        "Resource": named.arn,
    }
    return {**made, "Condition": conditions} if conditions else made


def _allows(statement: Mapping[str, Any], principal: str, source: str) -> bool:
    who = statement["Principal"]
    service = who == "*" or (isinstance(who, dict) and who.get("Service") == principal)
    url = principal == "*" and statement["Action"] == "lambda:InvokeFunctionUrl"
    if not (service and (url or statement["Action"] in _INVOKE)):
        return False
    conditions = statement.get("Condition", {})
    like = conditions.get("ArnLike", {}).get("AWS:SourceArn")
    account = conditions.get("StringEquals", {}).get("AWS:SourceAccount")
    if account and source and source.split(":")[4] != account:
        return False
    return not like or fnmatch.fnmatchcase(source, like)
