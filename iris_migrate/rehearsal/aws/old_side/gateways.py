"""The API in front of the old function: an HTTP API, or a REST API with a stage, a usage plan and a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from iris_migrate.rehearsal.old_sides import CUSTOM_DOMAIN

APP = "iris"
ROUTES = ("POST /api/iris/analyze", "GET /api/iris/health", "ANY /api/iris/{proxy+}")
STAGE = "prod"  # of the REST API
LOG_FORMAT = (
    '{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","agent":"$context.identity.userAgent",'
    '"time":"$context.requestTime","route":"$context.routeKey","path":"$context.path","status":"$context.status"}'
)


@dataclass(frozen=True, slots=True)
class Front:
    """An API. `dimension` is the metrics' name and value for it, `mapped` what a custom domain would be mapped to."""

    api_id: str
    endpoint: str
    kind: str
    dimension: tuple[str, str]
    stage: str


@dataclass(frozen=True, slots=True)
class Targets:
    """ARNs of the functions behind an API, and of the log group for its calls (empty: no access log)."""

    region: str
    account: str
    function: str
    authorizer: str
    log_group: str = ""

    def invocation(self, arn: str) -> str:
        return f"arn:aws:apigateway:{self.region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def make_http_api(gateway: Any, targets: Targets, name: str = f"{APP}-api") -> Front:
    """Three routes, one integration, one authorizer, one stage that deploys by itself."""
    api_id = str(gateway.create_api(Name=name, ProtocolType="HTTP")["ApiId"])
    integration = gateway.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=targets.function,
        PayloadFormatVersion="2.0",
        TimeoutInMillis=30000,
    )["IntegrationId"]
    authorizer = gateway.create_authorizer(
        ApiId=api_id,
        Name=f"{APP}-authorizer",
        AuthorizerType="REQUEST",
        AuthorizerUri=targets.invocation(targets.authorizer),
        AuthorizerPayloadFormatVersion="2.0",
        EnableSimpleResponses=True,
        AuthorizerResultTtlInSeconds=300,
        IdentitySource=["$request.header.x-api-key"],
    )["AuthorizerId"]
    for route in ROUTES:
        guarded = {} if route.startswith("GET ") else {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizer}
        gateway.create_route(ApiId=api_id, RouteKey=route, Target=f"integrations/{integration}", **guarded)
    logged = {"DestinationArn": targets.log_group, "Format": LOG_FORMAT}
    more: dict[str, Any] = {"AccessLogSettings": logged} if targets.log_group else {}
    gateway.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True, **more)
    endpoint = f"https://{api_id}.execute-api.{targets.region}.amazonaws.com"
    return Front(api_id, endpoint, "http", ("ApiId", api_id), "$default")


def make_rest_api(gateway: Any, targets: Targets, client_key: str) -> Front:
    """Resources /api/iris/{analyze,health,{proxy+}}, an authorizer, a deployment, a stage, a usage plan with a key."""
    name = f"{APP}-api"
    made = gateway.create_rest_api(name=name, description=name, endpointConfiguration={"types": ["REGIONAL"]})
    api_id = str(made["id"])
    authorizer = gateway.create_authorizer(
        restApiId=api_id,
        name=f"{APP}-authorizer",
        type="REQUEST",
        authorizerUri=targets.invocation(targets.authorizer),
        identitySource="method.request.header.x-api-key",
        authorizerResultTtlInSeconds=300,
    )["id"]
    root = next(item["id"] for item in gateway.get_resources(restApiId=api_id)["items"] if item["path"] == "/")
    parent = root
    for part in ("api", "iris"):
        parent = gateway.create_resource(restApiId=api_id, parentId=parent, pathPart=part)["id"]
    for method, part in (("POST", "analyze"), ("GET", "health"), ("ANY", "{proxy+}")):
        resource = gateway.create_resource(restApiId=api_id, parentId=parent, pathPart=part)["id"]
        guarded = {} if method == "GET" else {"authorizerId": authorizer}
        gateway.put_method(
            restApiId=api_id,
            resourceId=resource,
            httpMethod=method,
            authorizationType="NONE" if method == "GET" else "CUSTOM",
            **guarded,
        )
        gateway.put_integration(
            restApiId=api_id,
            resourceId=resource,
            httpMethod=method,
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=targets.invocation(targets.function),
        )
    gateway.create_deployment(restApiId=api_id, stageName=STAGE, description="first")
    if targets.log_group:
        gateway.update_stage(
            restApiId=api_id,
            stageName=STAGE,
            patchOperations=[
                {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": targets.log_group},
                {"op": "replace", "path": "/accessLogSettings/format", "value": LOG_FORMAT},
            ],
        )
    plan = gateway.create_usage_plan(name=f"{APP}-clients", apiStages=[{"apiId": api_id, "stage": STAGE}])["id"]
    key = gateway.create_api_key(name=f"{APP}-client", value=client_key, enabled=True)["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    endpoint = f"https://{api_id}.execute-api.{targets.region}.amazonaws.com/{STAGE}"
    return Front(api_id, endpoint, "rest", ("ApiName", name), STAGE)


def map_domain(first: Any, second: Any, front: Front, account: str, region: str) -> str:
    """A regional custom domain with the API at its root; the domain."""
    certificate = f"arn:aws:acm:{region}:{account}:certificate/00000000-1111-2222-3333-444444444444"
    if front.kind == "rest":
        first.create_domain_name(
            domainName=CUSTOM_DOMAIN,
            regionalCertificateArn=certificate,
            endpointConfiguration={"types": ["REGIONAL"]},
        )
        first.create_base_path_mapping(domainName=CUSTOM_DOMAIN, restApiId=front.api_id, stage=front.stage)
    else:
        configuration = {"CertificateArn": certificate, "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}
        second.create_domain_name(DomainName=CUSTOM_DOMAIN, DomainNameConfigurations=[configuration])
        second.create_api_mapping(DomainName=CUSTOM_DOMAIN, ApiId=front.api_id, Stage=front.stage, ApiMappingKey="")
    return CUSTOM_DOMAIN
