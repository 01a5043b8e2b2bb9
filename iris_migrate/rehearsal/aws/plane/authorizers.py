"""Lambda authorizers: asked with the identity, their answers kept as long as they say."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from iris_migrate.rehearsal.aws.plane import events
from iris_migrate.rehearsal.aws.plane.events import Call
from iris_migrate.rehearsal.aws.plane.functions import FunctionName, Functions
from iris_migrate.rehearsal.clock import PracticeClock


@dataclass(frozen=True, slots=True)
class Guard:
    """An authorizer of either kind of API, as it is asked. `sources` are `header.NAME`, `querystring.NAME` or
    `context.…`; `simple` is the answer `{"isAuthorized": …}` instead of a policy."""

    id: str
    uri: str
    sources: tuple[str, ...]
    ttl: float
    version_2: bool = True
    simple: bool = False
    token: bool = False  # a TOKEN authorizer of a REST API


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind` is allowed, denied, anonymous (an identity source is missing) or broken (it could not be asked)."""

    kind: str
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Authorizers:
    functions: Functions
    clock: PracticeClock
    _kept: dict[tuple[str, ...], tuple[float, Verdict]] = field(default_factory=dict)

    def ask(self, guard: Guard, call: Call, region: str) -> Verdict:
        """What the authorizer says of a call; a verdict younger than its time to live is given again."""
        identity = tuple(_value(source, call) for source in guard.sources)
        if any(value is None for value in identity):
            return Verdict("anonymous")
        name = (call.api_id, call.stage, guard.id, *(value or "" for value in identity))
        until, known = self._kept.get(name, (0.0, Verdict("")))
        if identity and guard.ttl > 0 and self.clock.now() < until:
            return known
        verdict = self._ask(guard, call, region, identity)
        if verdict.kind in ("allowed", "denied"):
            self._kept[name] = (self.clock.now() + guard.ttl, verdict)
        return verdict

    def _ask(self, guard: Guard, call: Call, region: str, identity: tuple[str | None, ...]) -> Verdict:
        named = FunctionName.of(guard.uri)
        if named is None:
            return Verdict("broken")
        method_arn = call.source(region)
        event: dict[str, Any]
        if guard.token:
            event = {"type": "TOKEN", "methodArn": method_arn, "authorizationToken": identity[0]}
        elif guard.version_2:
            event = {**events.version_2(call), "type": "REQUEST", "routeArn": method_arn}
            event["identitySource"] = list(identity)
        else:
            event = {**events.version_1(call), "type": "REQUEST", "methodArn": method_arn}
        source = f"arn:aws:execute-api:{region}:{call.account}:{call.api_id}/authorizers/{guard.id}"
        outcome = self.functions.invoke(named, event, principal="apigateway.amazonaws.com", source=source)
        if outcome.kind != "answered" or not isinstance(outcome.result, dict):
            return Verdict("broken")
        context = outcome.result.get("context") or {}
        if guard.simple:
            allowed = outcome.result.get("isAuthorized") is True
        else:
            allowed = _policy_allows(outcome.result.get("policyDocument") or {}, method_arn)
        return Verdict("allowed" if allowed else "denied", context)


def _value(source: str, call: Call) -> str | None:
    kind, _, name = source.removeprefix("$").removeprefix("request.").removeprefix("method.request.").partition(".")
    match kind:
        case "header":
            return call.asked.headers.get(name.lower()) or None
        case "querystring":
            return call.asked.parameters.get(name) or None
    return source


def _policy_allows(document: Mapping[str, Any], arn: str) -> bool:
    """Whether a policy lets `execute-api:Invoke` of this ARN pass; a denial wins."""
    allowed = False
    for statement in document.get("Statement") or ():
        actions, resources = (_list(statement.get(name)) for name in ("Action", "Resource"))
        fits = any(fnmatch.fnmatchcase("execute-api:Invoke", str(action)) for action in actions)
        if fits and any(fnmatch.fnmatchcase(arn, str(resource)) for resource in resources):
            if statement.get("Effect") == "Deny":
                return False
            allowed = True
    return allowed


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
