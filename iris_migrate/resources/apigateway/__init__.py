"""What of API Gateway is off, gone or there again: routes, integrations, authorizers, stages, the endpoint itself."""

from iris_migrate.resources.apigateway.apis import ApiThere
from iris_migrate.resources.apigateway.bridge import Bridged, Unbridged
from iris_migrate.resources.apigateway.endpoint import EndpointOff, EndpointOn
from iris_migrate.resources.apigateway.parts import (
    AuthorizersAbsent,
    AuthorizersThere,
    IntegrationsAbsent,
    IntegrationsThere,
    PlansAbsent,
    PlansThere,
    RoutesAbsent,
    RoutesThere,
    StagesAbsent,
    StagesThere,
)

__all__ = [
    "ApiThere", "AuthorizersAbsent", "AuthorizersThere", "Bridged", "EndpointOff", "EndpointOn", "IntegrationsAbsent",
    "IntegrationsThere", "PlansAbsent", "PlansThere", "RoutesAbsent", "RoutesThere", "StagesAbsent", "StagesThere",
    "Unbridged",
]  # fmt: skip
