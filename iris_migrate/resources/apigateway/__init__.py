"""What of API Gateway is off, gone or there again: routes, integrations, authorizers, the endpoint itself."""

from iris_migrate.resources.apigateway.endpoint import EndpointOff, EndpointOn
from iris_migrate.resources.apigateway.http_parts import (
    AuthorizersAbsent,
    AuthorizersThere,
    IntegrationsAbsent,
    IntegrationsThere,
    RoutesAbsent,
    RoutesThere,
)

__all__ = [
    "AuthorizersAbsent", "AuthorizersThere", "EndpointOff", "EndpointOn", "IntegrationsAbsent",
    "IntegrationsThere", "RoutesAbsent", "RoutesThere",
]  # fmt: skip
