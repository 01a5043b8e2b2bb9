"""HTTP APIs: what is in use, what is gone, what is there once, and the list that moto lacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer, json_result
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook

_API = "https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/"
_NO_API = "Invalid API identifier specified"


class HttpApiRule(Rule):
    """A rule that looks at the API of a request."""

    def api(self, request: AwsRequest) -> Any:
        return self.practice.state(request, "apigatewayv2").apis.get(str(request.params.get("ApiId")))

    def no_api(self, request: AwsRequest) -> Answer:
        text = f"{_NO_API} {request.account}:{request.params.get('ApiId')}"
        return self.refuse(request, "NotFoundException", text, 404)


@dataclass(slots=True)
class AuthorizersListed(HttpApiRule):
    """moto cannot list them."""

    says = "GetAuthorizers lists the authorizers of an API"
    source = _API + "apis-apiid-authorizers.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigatewayv2:GetAuthorizers", self.authorizers)

    def authorizers(self, request: AwsRequest) -> Answer:
        api = self.api(request)
        if api is None:
            return self.no_api(request)
        return json_result({"items": [without_none(item.to_json()) for item in api.authorizers.values()]})


@dataclass(slots=True)
class IntegrationInUse(HttpApiRule):
    """Routes first, then their integration."""

    says = "an integration that a route targets cannot be deleted (ConflictException, 409)"
    source = "https://github.com/milliHQ/terraform-aws-next-js/issues/247 (the message)"

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigatewayv2:DeleteIntegration", self.in_use)

    def in_use(self, request: AwsRequest) -> Answer | None:
        api, target = self.api(request), f"integrations/{request.params.get('IntegrationId')}"
        routes = sorted(route.route_id for route in api.routes.values() if route.target == target) if api else []
        if not routes:
            return None
        text = "Cannot delete Integration because it is referenced by the following Routes with Ids: "
        return self.refuse(request, "ConflictException", f"{text}[{', '.join(routes)}]", 409)


@dataclass(slots=True)
class AuthorizerInUse(HttpApiRule):
    """Routes first, then their authorizer."""

    says = "an authorizer that a route names cannot be deleted (ConflictException, 409)"
    source = "https://github.com/anomalyco/sst/issues/5586 (the message)"

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigatewayv2:DeleteAuthorizer", self.in_use)

    def in_use(self, request: AwsRequest) -> Answer | None:
        api, wanted = self.api(request), request.params.get("AuthorizerId")
        routes = (
            sorted(route.route_key for route in api.routes.values() if route.authorizer_id == wanted) if api else []
        )
        if not routes:
            return None
        text = f"Cannot delete authorizer '{api.authorizers[wanted].name}', is referenced in route: {routes[0]}"
        return self.refuse(request, "ConflictException", text, 409)


@dataclass(slots=True)
class Detached(HttpApiRule):
    """AuthorizationType NONE takes the authorizer off a route; leaving it out does not."""

    says = "UpdateRoute with AuthorizationType NONE detaches the authorizer; a route without one says NONE"
    source = "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2184"

    def enter(self, book: RuleBook) -> None:
        for operation in ("CreateRoute", "UpdateRoute"):
            book.behind(f"apigatewayv2:{operation}", self.settle)

    def settle(self, request: AwsRequest, answer: Answer) -> Answer:
        api = self.api(request)
        if answer.status >= 300 or api is None:
            return answer
        for route in api.routes.values():
            asked = route.route_id == request.params.get("RouteId")
            if asked and request.params.get("AuthorizationType") == "NONE":
                route.authorizer_id = None
            route.authorization_type = route.authorization_type or "NONE"
        made = request.params.get("RouteId") or _made(answer, "routeId")
        told = json_result(without_none(api.routes[made].to_json()))
        return replace(told, status=answer.status)


@dataclass(slots=True)
class GoneIsNotFound(HttpApiRule):
    """What is deleted a second time is not there; moto says that it is fine."""

    says = "deleting what is not there is NotFoundException (404)"
    source = _API + "apis-apiid-routes-routeid.html"

    def enter(self, book: RuleBook) -> None:
        for operation, parameter, named, of in (
            ("DeleteRoute", "RouteId", "Route", lambda api: api.routes),
            ("DeleteIntegration", "IntegrationId", "Integration", lambda api: api.integrations),
            ("DeleteAuthorizer", "AuthorizerId", "Authorizer", lambda api: api.authorizers),
            ("DeleteStage", "StageName", "Stage", lambda api: api.stages),
            ("DeleteModel", "ModelId", "Model", lambda api: api.models),
            ("UpdateIntegration", "IntegrationId", "Integration", lambda api: api.integrations),
            ("UpdateRoute", "RouteId", "Route", lambda api: api.routes),
        ):
            book.ahead(f"apigatewayv2:{operation}", self._missing(parameter, named, of))
        book.ahead("apigatewayv2:DeleteApi", self.no_such_api)

    def _missing(self, parameter: str, named: str, of: Callable[[Any], Any]) -> Callable[[AwsRequest], Answer | None]:
        def look(request: AwsRequest) -> Answer | None:
            api = self.api(request)
            if api is None:
                return self.no_api(request)
            if request.params.get(parameter) in of(api):
                return None
            return self.refuse(request, "NotFoundException", f"Invalid {named} identifier specified", 404)

        return look

    def no_such_api(self, request: AwsRequest) -> Answer | None:
        return None if self.api(request) is not None else self.no_api(request)


@dataclass(slots=True)
class RouteKeyOnce(HttpApiRule):
    """Two routes of one key would make it a matter of chance which answers."""

    says = "a route key is there once in an API (ConflictException, 409)"
    source = _API + "apis-apiid-routes.html"

    def enter(self, book: RuleBook) -> None:
        for operation in ("CreateRoute", "UpdateRoute"):
            book.ahead(f"apigatewayv2:{operation}", self.taken)

    def taken(self, request: AwsRequest) -> Answer | None:
        api, key = self.api(request), request.params.get("RouteKey")
        if api is None:
            return self.no_api(request)
        others = [route for route in api.routes.values() if route.route_id != request.params.get("RouteId")]
        if not key or all(route.route_key != key for route in others):
            return None
        text = f"Route with key {key} already exists for this API"
        return self.refuse(request, "ConflictException", text, 409)


@dataclass(slots=True)
class TargetsExist(HttpApiRule):
    """A route cannot name an integration or an authorizer that is not there."""

    says = "a route that targets a missing integration or authorizer is refused (BadRequestException, 400)"
    source = _API + "apis-apiid-routes.html"

    def enter(self, book: RuleBook) -> None:
        for operation in ("CreateRoute", "UpdateRoute"):
            book.ahead(f"apigatewayv2:{operation}", self.there)

    def there(self, request: AwsRequest) -> Answer | None:
        api = self.api(request)
        if api is None:
            return self.no_api(request)
        target = str(request.params.get("Target") or "").removeprefix("integrations/")
        if target and target not in api.integrations:
            return self.refuse(request, "BadRequestException", "Integration identifier specified is not valid")
        authorizer = request.params.get("AuthorizerId")
        if authorizer and authorizer not in api.authorizers:
            return self.refuse(request, "BadRequestException", "Authorizer identifier specified is not valid")
        return None


@dataclass(slots=True)
class MappedApi(HttpApiRule):
    """An API that a custom domain is mapped to stays until the mapping is gone."""

    says = "DeleteApi and DeleteStage are refused while an API mapping leads there; the code is a guess"
    source = "facts: AWS asks to remove mappings first, see docs of DeleteApiMapping; error code unknown"

    def enter(self, book: RuleBook) -> None:
        for operation in ("DeleteApi", "DeleteStage"):
            book.ahead(f"apigatewayv2:{operation}", self.mapped)

    def mapped(self, request: AwsRequest) -> Answer | None:
        stage = request.params.get("StageName")
        names = [
            mapping.domain_name
            for mapping in self.practice.state(request).api_mappings.values()
            if mapping.api_id == request.params.get("ApiId") and stage in (None, mapping.stage)
        ]
        if not names:
            return None
        text = f"Unable to delete: mapped to domain name {', '.join(sorted(names))}"
        return self.refuse(request, "ConflictException", text, 409)


def without_none(item: dict[str, Any]) -> dict[str, Any]:
    """An answer leaves out what there is not."""
    return {name: value for name, value in item.items() if value is not None}


def _made(answer: Answer, name: str) -> str:
    import json

    return str(json.loads(answer.body)[name])


RULES: tuple[type[Rule], ...] = (
    AuthorizersListed,
    GoneIsNotFound,
    IntegrationInUse,
    AuthorizerInUse,
    Detached,
    RouteKeyOnce,
    TargetsExist,
    MappedApi,
)
