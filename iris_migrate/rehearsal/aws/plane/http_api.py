"""HTTP APIs: stage, route, authorizer, integration, as API Gateway answers a request from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iris_migrate.rehearsal.aws.plane import events
from iris_migrate.rehearsal.aws.plane.authorizers import Authorizers, Guard, Verdict
from iris_migrate.rehearsal.aws.plane.events import Call, ShapeError
from iris_migrate.rehearsal.aws.plane.exchange import Asked, Told, message
from iris_migrate.rehearsal.aws.plane.functions import FunctionName, Functions
from iris_migrate.rehearsal.aws.plane.onward import Onward, OnwardError
from iris_migrate.rehearsal.aws.plane.routes import choose
from iris_migrate.rehearsal.aws.plane.traffic import Traffic
from iris_migrate.rehearsal.clock import PracticeClock

NOT_FOUND = message(404, "Not Found")
_ERRORS = ("4xx", "5xx")  # names of the metrics


@dataclass(frozen=True, slots=True)
class Place:
    """Where an API is."""

    account: str
    region: str
    api: Any


@dataclass(slots=True)
class HttpApis:
    """Answers requests to HTTP APIs. What is released at a stage is live with AutoDeploy, else its deployment."""

    functions: Functions
    authorizers: Authorizers
    onward: Onward
    traffic: Traffic
    clock: PracticeClock

    def answer(self, place: Place, asked: Asked, *, stage: str = "", path: str | None = None) -> Told:
        """A request by the execute-api name (`stage` empty), or by a mapping of a custom domain to a stage."""
        api = place.api
        path = asked.path if path is None else path
        if not stage:
            if str(api.disable_execute_api_endpoint).lower() == "true":
                return NOT_FOUND  # not counted by the API's metrics: assumed
            stage, path = _stage_of(api, path)
        found = api.stages.get(stage)
        if found is None:
            return NOT_FOUND
        released = released_at(api, found)
        route = choose(asked.method, path, _table(released["routes"]))
        key = route[0]["routeKey"] if route else ""
        call = Call(
            asked=asked,
            account=place.account,
            api_id=api.api_id,
            domain=asked.host,
            stage=stage,
            key=key,
            template=route[1] if route else "",
            path=path,
            parameters=route[2] if route else {},
            at=self.clock.now(),
            variables=found.stage_variables or {},
            request_id=Call.new_id(),
        )
        told, error = self._routed(place, call, released, route[0]) if route else (NOT_FOUND, "No route")
        self.traffic.called(place.account, place.region, {"ApiId": api.api_id}, stage, told.status, _ERRORS)
        context = events.access_context(call, told, error)
        self.traffic.access_log(place.account, place.region, found.access_log_settings, context)
        return Told(told.status, told.body, {**told.headers, "Apigw-Requestid": call.request_id})

    def _routed(
        self, place: Place, call: Call, released: Mapping[str, Any], route: Mapping[str, Any]
    ) -> tuple[Told, str]:
        verdict = self._guarded(place, call, released, route)
        match verdict.kind:
            case "anonymous":
                return message(401, "Unauthorized"), "Unauthorized"
            case "denied":
                return message(403, "Forbidden"), "Forbidden"
            case "broken":
                return message(500, "Internal Server Error"), "the authorizer could not be asked"
        target = str(route.get("target") or "").removeprefix("integrations/")
        integration = released["integrations"].get(target)
        if integration is None:
            return message(500, "Internal Server Error"), "the route has no integration"
        if integration["integrationType"] == "HTTP_PROXY":
            return self._onward(call, integration)
        return self._function(place, call, integration, verdict)

    def _guarded(self, place: Place, call: Call, released: Mapping[str, Any], route: Mapping[str, Any]) -> Verdict:
        kind = route.get("authorizationType") or "NONE"
        if kind == "NONE":
            return Verdict("allowed")
        if kind == "AWS_IAM":
            return Verdict("denied")  # nobody signs requests to the practice data plane
        authorizer = released["authorizers"].get(route.get("authorizerId"))
        if kind != "CUSTOM" or authorizer is None:
            return Verdict("anonymous")
        guard = Guard(
            id=authorizer["authorizerId"],
            uri=authorizer["authorizerUri"],
            sources=tuple(authorizer.get("identitySource") or ()),
            ttl=float(authorizer.get("authorizerResultTtlInSeconds") or 0),
            version_2=authorizer.get("authorizerPayloadFormatVersion") != "1.0",
            simple=str(authorizer.get("enableSimpleResponses")).lower() == "true",
        )
        return self.authorizers.ask(guard, call, place.region)

    def _function(self, place: Place, call: Call, integration: Mapping[str, Any], verdict: Verdict) -> tuple[Told, str]:
        named = FunctionName.of(str(integration["integrationUri"]))
        if named is None:
            return message(500, "Internal Server Error"), "the integration names no function"
        second = integration.get("payloadFormatVersion") != "1.0"
        event = (events.version_2 if second else events.version_1)(call, dict(verdict.context))
        outcome = self.functions.invoke(
            named, event, principal="apigateway.amazonaws.com", source=call.source(place.region)
        )
        match outcome.kind:
            case "answered":
                try:
                    return events.told(outcome.result, inferred=second), ""
                except ShapeError as error:
                    return message(500, "Internal Server Error"), str(error)
            case "throttled":  # assumed; facts/aws.md 8 has it among what is to be checked on a real account
                return message(503, "Service Unavailable"), "Rate exceeded"
            case "timed-out":
                return message(503, "Service Unavailable"), outcome.error
        return message(500, "Internal Server Error"), outcome.error or f"the function is {outcome.kind}"

    def _onward(self, call: Call, integration: Mapping[str, Any]) -> tuple[Told, str]:
        seconds = float(integration.get("timeoutInMillis") or 30000) / 1000
        try:
            told = self.onward.send(
                call,
                str(integration["integrationUri"]),
                method=str(integration.get("integrationMethod") or "ANY"),
                mapping=integration.get("requestParameters"),
                seconds=seconds,
            )
        except OnwardError as error:
            if error.timed_out:
                return message(503, "Service Unavailable"), str(error)
            return message(500, "Internal Server Error"), str(error)
        return told, ""


def snapshot(api: Any) -> dict[str, Any]:
    """What a deployment releases: routes, integrations and authorizers as they are now."""
    return {
        "routes": [route.to_json() for route in list(api.routes.values())],
        "integrations": {name: item.to_json() for name, item in list(api.integrations.items())},
        "authorizers": {name: item.to_json() for name, item in list(api.authorizers.items())},
    }


def released_at(api: Any, stage: Any) -> dict[str, Any]:
    """What a stage answers with: with AutoDeploy what is there, else what its deployment took."""
    if str(stage.auto_deploy).lower() == "true":
        return snapshot(api)
    deployments: dict[str, dict[str, Any]] = getattr(api, "practice_deployments", {})
    taken = deployments.get(getattr(stage, "practice_deployment", "") or "")
    return taken["snapshot"] if taken else {"routes": [], "integrations": {}, "authorizers": {}}


def _stage_of(api: Any, path: str) -> tuple[str, str]:
    """The stage that a path begins with, and the rest; without one, `$default` and the whole path."""
    first, _, rest = path.lstrip("/").partition("/")
    if first and first in api.stages:
        return first, f"/{rest}"
    return "$default", path


def _table(routes: list[dict[str, Any]]) -> list[tuple[str, str, dict[str, Any]]]:
    table = []
    for route in routes:
        method, _, template = str(route["routeKey"]).partition(" ")
        table.append((method, template, route))
    return table
