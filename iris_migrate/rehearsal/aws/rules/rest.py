"""REST APIs: what is in use, what goes together, what is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook

_API = "https://docs.aws.amazon.com/apigateway/latest/api/"


class RestApiRule(Rule):
    """A rule that looks at the API of a request."""

    def api(self, request: AwsRequest) -> Any:
        return self.practice.state(request, "apigateway").apis.get(str(request.params.get("restApiId")))

    def gone(self, request: AwsRequest, what: str) -> Answer:
        return self.refuse(request, "NotFoundException", f"Invalid {what} identifier specified", 404)


@dataclass(slots=True)
class RestGoneIsNotFound(RestApiRule):
    """moto answers some of these with 500 and some with success."""

    says = "looking at or deleting what is not there is NotFoundException (404)"
    source = _API + "API_DeleteRestApi.html"

    def enter(self, book: RuleBook) -> None:
        for operation in ("DeleteRestApi", "UpdateRestApi", "GetRestApi", "GetResources", "GetStages"):
            book.ahead(f"apigateway:{operation}", self.no_api)
        for operation, parameter, what, of in (
            ("DeleteResource", "resourceId", "Resource", lambda api: api.resources),
            ("DeleteStage", "stageName", "Stage", lambda api: api.stages),
            ("UpdateStage", "stageName", "Stage", lambda api: api.stages),
            ("DeleteAuthorizer", "authorizerId", "Authorizer", lambda api: api.authorizers),
            ("DeleteDeployment", "deploymentId", "Deployment", lambda api: api.deployments),
        ):
            book.ahead(f"apigateway:{operation}", self._missing(parameter, what, of))
        for operation in ("DeleteMethod", "GetMethod", "DeleteIntegration"):
            book.ahead(f"apigateway:{operation}", self.no_method)

    def no_api(self, request: AwsRequest) -> Answer | None:
        return None if self.api(request) is not None else self.gone(request, "API")

    def _missing(self, parameter: str, what: str, of: Callable[[Any], Any]) -> Callable[[AwsRequest], Answer | None]:
        def look(request: AwsRequest) -> Answer | None:
            api = self.api(request)
            if api is None:
                return self.gone(request, "API")
            return None if request.params.get(parameter) in of(api) else self.gone(request, what)

        return look

    def no_method(self, request: AwsRequest) -> Answer | None:
        api = self.api(request)
        resource = api.resources.get(request.params.get("resourceId")) if api else None
        if resource is None:
            return self.gone(request, "Resource" if api else "API")
        method = resource.resource_methods.get(request.params.get("httpMethod"))
        if method is None:
            return self.gone(request, "Method")
        if request.operation == "DeleteIntegration" and method.method_integration is None:
            return self.gone(request, "Integration")
        return None


@dataclass(slots=True)
class RestAuthorizerInUse(RestApiRule):
    """Methods first, then their authorizer."""

    says = "an authorizer that a method names cannot be deleted (ConflictException, 409)"
    source = "https://github.com/hashicorp/terraform-provider-aws/issues/14812 (the message)"

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigateway:DeleteAuthorizer", self.in_use)

    def in_use(self, request: AwsRequest) -> Answer | None:
        api, wanted = self.api(request), request.params.get("authorizerId")
        for resource in api.resources.values() if api else ():
            for name, method in resource.resource_methods.items():
                if method.authorizer_id == wanted:
                    place = f"{name}/{resource.get_path()}"
                    text = (
                        f"Cannot delete authorizer '{api.authorizers[wanted].name}', is referenced in method: {place}"
                    )
                    return self.refuse(request, "ConflictException", text, 409)
        return None


@dataclass(slots=True)
class ChildrenGoAlong(RestApiRule):
    """moto leaves the children of a deleted resource behind, and cannot list resources any more."""

    says = "DeleteResource takes the resources below along; the root cannot be deleted"
    source = _API + "API_DeleteResource.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigateway:DeleteResource", self.delete)

    def delete(self, request: AwsRequest) -> Answer | None:
        api, wanted = self.api(request), str(request.params.get("resourceId"))
        if api is None or wanted not in api.resources:
            return None
        if wanted == api.root_resource_id:
            return self.refuse(request, "BadRequestException", "Root resource cannot be deleted")
        for name in [*_below(api, wanted), wanted]:
            del api.resources[name]
        return Answer(202, b"")


@dataclass(slots=True)
class MappedRestApi(RestApiRule):
    """A mapping of a custom domain holds the API."""

    says = "DeleteRestApi is refused while a base path mapping leads there (BadRequestException, 400)"
    source = "third parties only; AWS: remove all base path mappings first (docs of DeleteBasePathMapping)"

    def enter(self, book: RuleBook) -> None:
        for operation in ("DeleteRestApi", "DeleteStage"):
            book.ahead(f"apigateway:{operation}", self.mapped)

    def mapped(self, request: AwsRequest) -> Answer | None:
        backend, stage = self.practice.state(request), request.params.get("stageName")
        for domain, mappings in backend.base_path_mappings.items():
            for mapping in mappings.values():
                leads = mapping.rest_api_id == request.params.get("restApiId")
                if leads and (stage is None or mapping.stage == stage):
                    text = f"Please remove all base path mappings related to the API in your domains ({domain})"
                    return self.refuse(request, "BadRequestException", text)
        return None


@dataclass(slots=True)
class PlannedStage(RestApiRule):
    """A stage in a usage plan is taken out of it first."""

    says = "DeleteStage is refused while a usage plan holds the stage (BadRequestException, 400); the words are a guess"
    source = "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigateway:DeleteStage", self.planned)

    def planned(self, request: AwsRequest) -> Answer | None:
        stage = (request.params.get("restApiId"), request.params.get("stageName"))
        for plan in self.practice.state(request).usage_plans.values():
            if any((item.get("apiId"), item.get("stage")) == stage for item in plan.api_stages or ()):
                text = f"Cannot delete stage '{stage[1]}': it is associated with usage plan {plan.id}"
                return self.refuse(request, "BadRequestException", text)
        return None


def _below(api: Any, parent: str) -> Iterator[str]:
    """Ids of the resources below one, the deepest first."""
    for resource in list(api.resources.values()):
        if resource.parent_id == parent:
            yield from _below(api, resource.id)
            yield resource.id


RULES: tuple[type[Rule], ...] = (
    RestGoneIsNotFound,
    RestAuthorizerInUse,
    ChildrenGoAlong,
    MappedRestApi,
    PlannedStage,
)
