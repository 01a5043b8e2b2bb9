"""REST APIs: a stage answers with what its deployment took, whatever was changed since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iris_migrate.rehearsal.aws.plane import events
from iris_migrate.rehearsal.aws.plane.authorizers import Authorizers, Guard, Verdict
from iris_migrate.rehearsal.aws.plane.events import Call, ShapeError
from iris_migrate.rehearsal.aws.plane.exchange import Asked, Told, message
from iris_migrate.rehearsal.aws.plane.functions import FunctionName, Functions
from iris_migrate.rehearsal.aws.plane.http_api import Place
from iris_migrate.rehearsal.aws.plane.onward import Onward, OnwardError
from iris_migrate.rehearsal.aws.plane.routes import choose
from iris_migrate.rehearsal.aws.plane.traffic import Traffic
from iris_migrate.rehearsal.clock import PracticeClock

# Gateway responses: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
FORBIDDEN = message(403, "Forbidden", x_amzn_ErrorType="ForbiddenException")
NO_METHOD = message(403, "Missing Authentication Token", x_amzn_ErrorType="MissingAuthenticationTokenException")
BROKEN = message(500, "Internal server error", x_amzn_ErrorType="InternalServerErrorException")
MALFORMED = message(502, "Internal server error", x_amzn_ErrorType="InternalServerErrorException")
TIMED_OUT = message(504, "Endpoint request timed out", x_amzn_ErrorType="InternalServerErrorException")
_ERRORS = ("4XXError", "5XXError")  # names of the metrics


@dataclass(slots=True)
class RestApis:
    functions: Functions
    authorizers: Authorizers
    onward: Onward
    traffic: Traffic
    clock: PracticeClock

    def answer(self, place: Place, asked: Asked, *, stage: str = "", path: str | None = None) -> Told:
        """A request by the execute-api name (`stage` empty: it is in the path), or by a base path mapping."""
        api = place.api
        path = asked.path if path is None else path
        if not stage:
            if getattr(api, "practice_disabled", False):
                return FORBIDDEN  # not counted by the API's metrics: assumed
            stage, _, rest = path.lstrip("/").partition("/")
            path = f"/{rest}"
        found = api.stages.get(stage)
        if found is None:
            return FORBIDDEN
        released = released_at(api, found)
        route = choose(asked.method, path, _table(released))
        call = Call(
            asked=asked,
            account=place.account,
            api_id=api.id,
            domain=asked.host,
            stage=stage,
            key=f"{asked.method} {route[1]}" if route else "",
            template=route[1] if route else "",
            path=path,
            parameters=route[2] if route else {},
            at=self.clock.now(),
            variables=found.variables or {},
            request_id=Call.new_id(),
        )
        told, error = self._routed(place, call, released, route[0]) if route else (NO_METHOD, "no such method")
        self.traffic.called(place.account, place.region, {"ApiName": api.name}, stage, told.status, _ERRORS)
        context = events.access_context(call, told, error)
        self.traffic.access_log(place.account, place.region, found.access_log_settings, context)
        return Told(told.status, told.body, {**told.headers, "x-amzn-RequestId": call.request_id})

    def _routed(
        self, place: Place, call: Call, released: Mapping[str, Any], method: Mapping[str, Any]
    ) -> tuple[Told, str]:
        verdict = self._guarded(place, call, released, method)
        match verdict.kind:
            case "anonymous":
                return message(401, "Unauthorized", x_amzn_ErrorType="UnauthorizedException"), "Unauthorized"
            case "denied":
                text = "User is not authorized to access this resource"
                return message(403, text, x_amzn_ErrorType="AccessDeniedException"), text
            case "broken":
                told = message(500, "", x_amzn_ErrorType="AuthorizerConfigurationException")
                return told, "the authorizer could not be asked"
        integration = method.get("methodIntegration") or {}
        match integration.get("type"):
            case "AWS_PROXY":
                return self._function(place, call, integration, verdict)
            case "HTTP_PROXY":
                return self._onward(call, integration)
            case "MOCK":
                return Told(200, b"", {"Content-Type": "application/json"}), ""
        return BROKEN, "No integration defined for method"

    def _guarded(self, place: Place, call: Call, released: Mapping[str, Any], method: Mapping[str, Any]) -> Verdict:
        kind = method.get("authorizationType") or "NONE"
        if kind == "NONE":
            return Verdict("allowed")
        authorizer = released["authorizers"].get(method.get("authorizerId"))
        if kind != "CUSTOM" or authorizer is None:
            return Verdict("denied")
        ttl = authorizer.get("authorizerResultTtlInSeconds")
        guard = Guard(
            id=authorizer["id"],
            uri=authorizer["authorizerUri"],
            sources=tuple(item.strip() for item in (authorizer.get("identitySource") or "").split(",") if item.strip()),
            ttl=300.0 if ttl is None else float(ttl),
            version_2=False,
            token=authorizer["type"] == "TOKEN",
        )
        return self.authorizers.ask(guard, call, place.region)

    def _function(self, place: Place, call: Call, integration: Mapping[str, Any], verdict: Verdict) -> tuple[Told, str]:
        named = FunctionName.of(_with_variables(str(integration["uri"]), call.variables))
        if named is None:
            return BROKEN, "Invalid function name in the integration"
        event = events.version_1(call, dict(verdict.context))
        outcome = self.functions.invoke(
            named, event, principal="apigateway.amazonaws.com", source=call.source(place.region)
        )
        match outcome.kind:
            case "answered":
                try:
                    return events.told(outcome.result, inferred=False), ""
                except ShapeError as error:
                    return MALFORMED, f"Malformed Lambda proxy response: {error}"
            case "failed":
                return MALFORMED, outcome.error
            case "timed-out":
                return TIMED_OUT, outcome.error
        # A throttled function is a 500 behind the proxy integration: repost.aws QUfI6bsdd0SOiPeyimzxSkfQ
        return BROKEN, f"the function is {outcome.kind}"

    def _onward(self, call: Call, integration: Mapping[str, Any]) -> tuple[Told, str]:
        mapping = {
            f"overwrite:{place.removeprefix('integration.request.')}": "$" + value.removeprefix("method.")
            for place, value in (integration.get("requestParameters") or {}).items()
            if place.startswith("integration.request.header.")
        }
        try:
            told = self.onward.send(
                call,
                _with_variables(str(integration["uri"]), call.variables),
                method=str(integration.get("httpMethod") or "ANY"),
                mapping=mapping,
                seconds=float(integration.get("timeoutInMillis") or 29000) / 1000,
            )
        except OnwardError as error:
            return (TIMED_OUT if error.timed_out else BROKEN), str(error)
        return told, ""


def snapshot(api: Any) -> dict[str, Any]:
    """What a deployment takes: resources with their methods and integrations, and authorizers."""
    return {
        "resources": [resource.to_dict() for resource in list(api.resources.values())],
        "authorizers": {name: item.to_json() for name, item in list(api.authorizers.items())},
    }


def released_at(api: Any, stage: Any) -> dict[str, Any]:
    deployment = api.deployments.get(stage.deployment_id)
    taken: dict[str, Any] | None = getattr(deployment, "practice_snapshot", None)
    return taken or {"resources": [], "authorizers": {}}


def _table(released: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (name, str(resource["path"]), method)
        for resource in released["resources"]
        for name, method in (resource.get("resourceMethods") or {}).items()
    ]


def _with_variables(uri: str, variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        uri = uri.replace(f"${{stageVariables.{name}}}", value)
    return uri
