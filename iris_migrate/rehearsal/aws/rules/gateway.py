"""API Gateway v2: the lists and the refusals that moto lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer, failure, json_result
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Practice, RuleBook


@dataclass(slots=True)
class GatewayRules:
    practice: Practice

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigatewayv2:GetAuthorizers", self.authorizers)
        book.ahead("apigatewayv2:DeleteIntegration", self.integration_in_use)
        book.ahead("apigatewayv2:DeleteAuthorizer", self.authorizer_in_use)

    def _api(self, request: AwsRequest) -> Any:
        return self.practice.backend("apigatewayv2", request.region).apis.get(str(request.params.get("ApiId")))

    def authorizers(self, request: AwsRequest) -> Answer:
        api = self._api(request)
        if api is None:
            return failure(request, "NotFoundException", "Invalid API identifier specified", 404)
        items = [_lower(authorizer.to_json()) for authorizer in api.authorizers.values()]
        return json_result({"items": items})

    def integration_in_use(self, request: AwsRequest) -> Answer | None:
        target = f"integrations/{request.params.get('IntegrationId')}"
        return self._in_use(request, lambda route: route.target == target, "Integration")

    def authorizer_in_use(self, request: AwsRequest) -> Answer | None:
        wanted = request.params.get("AuthorizerId")
        return self._in_use(request, lambda route: route.authorizer_id == wanted, "Authorizer")

    def _in_use(self, request: AwsRequest, uses: Any, what: str) -> Answer | None:
        api = self._api(request)
        routes = [route.route_key for route in api.routes.values() if uses(route)] if api else []
        if not routes:
            return None
        message = f"{what} is referenced by route(s): {', '.join(sorted(routes))}"
        return failure(request, "ConflictException", message, 409)


def _lower(item: dict[str, Any]) -> dict[str, Any]:
    """The wire's names begin with a small letter."""
    return {name[:1].lower() + name[1:]: value for name, value in item.items() if value is not None}
