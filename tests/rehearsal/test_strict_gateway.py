"""What API Gateway refuses of HTTP APIs, and what it allows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Switches
from iris_migrate.rehearsal.aws.rules.pace import Pace
from iris_migrate.rehearsal.clock import PracticeClock
from tests.rehearsal.conftest import Clients, Control, refused
from tests.rehearsal.outside import Outside

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:iris-backend:live"


@pytest.fixture
def api(aws: Clients) -> Iterator[str]:
    """An API of a test's own, without a route."""
    made = aws.apigatewayv2.create_api(Name="a test's", ProtocolType="HTTP")["ApiId"]
    yield made
    left = [item["ApiId"] for item in aws.apigatewayv2.get_apis()["Items"]]
    if made in left:
        aws.apigatewayv2.delete_api(ApiId=made)


def integration(aws: Clients, api: str, **more: Any) -> str:
    asked = {"IntegrationType": "AWS_PROXY", "IntegrationUri": FUNCTION, "PayloadFormatVersion": "2.0", **more}
    return str(aws.apigatewayv2.create_integration(ApiId=api, **asked)["IntegrationId"])


def authorizer(aws: Clients, api: str) -> str:
    made = aws.apigatewayv2.create_authorizer(
        ApiId=api,
        Name="guard",
        AuthorizerType="REQUEST",
        AuthorizerUri="arn:x",
        AuthorizerPayloadFormatVersion="2.0",
        IdentitySource=["$request.header.x"],
    )
    return str(made["AuthorizerId"])


@pytest.mark.rule("AuthorizersListed", "IntegrationInUse", "AuthorizerInUse", "Detached")
def test_routes_hold_on_to_what_they_use(aws: Clients, api: str) -> None:
    gateway, used, guard = aws.apigatewayv2, integration(aws, api), authorizer(aws, api)
    assert [item["AuthorizerId"] for item in gateway.get_authorizers(ApiId=api)["Items"]] == [guard]
    refused("NotFoundException", gateway.get_authorizers, ApiId="nosuchapi")
    made = gateway.create_route(
        ApiId=api, RouteKey="GET /x", Target=f"integrations/{used}", AuthorizationType="CUSTOM", AuthorizerId=guard
    )
    route = made["RouteId"]
    text = refused("ConflictException", gateway.delete_integration, ApiId=api, IntegrationId=used)
    assert route in text
    text = refused("ConflictException", gateway.delete_authorizer, ApiId=api, AuthorizerId=guard)
    assert text == "Cannot delete authorizer 'guard', is referenced in route: GET /x"
    gateway.update_route(ApiId=api, RouteId=route, OperationName="leaves the authorizer")
    assert gateway.get_route(ApiId=api, RouteId=route)["AuthorizerId"] == guard
    assert "AuthorizerId" not in gateway.update_route(ApiId=api, RouteId=route, AuthorizationType="NONE")
    gateway.delete_authorizer(ApiId=api, AuthorizerId=guard)
    gateway.delete_route(ApiId=api, RouteId=route)
    gateway.delete_integration(ApiId=api, IntegrationId=used)
    assert gateway.create_route(ApiId=api, RouteKey="GET /y")["AuthorizationType"] == "NONE"


@pytest.mark.rule("GoneIsNotFound")
def test_what_is_deleted_twice_is_not_found_the_second_time(aws: Clients, api: str) -> None:
    gateway, used, guard = aws.apigatewayv2, integration(aws, api), authorizer(aws, api)
    route = gateway.create_route(ApiId=api, RouteKey="GET /x")["RouteId"]
    gateway.create_stage(ApiId=api, StageName="one")
    for delete, params in (
        (gateway.delete_route, {"RouteId": route}),
        (gateway.delete_integration, {"IntegrationId": used}),
        (gateway.delete_authorizer, {"AuthorizerId": guard}),
        (gateway.delete_stage, {"StageName": "one"}),
        (gateway.delete_api, {}),
    ):
        delete(ApiId=api, **params)
        refused("NotFoundException", delete, ApiId=api, **params)


@pytest.mark.rule("RouteKeyOnce")
def test_a_route_key_is_there_once(aws: Clients, api: str) -> None:
    gateway = aws.apigatewayv2
    first = gateway.create_route(ApiId=api, RouteKey="GET /x")["RouteId"]
    other = gateway.create_route(ApiId=api, RouteKey="GET /y")["RouteId"]
    refused("ConflictException", gateway.create_route, ApiId=api, RouteKey="GET /x")
    refused("ConflictException", gateway.update_route, ApiId=api, RouteId=other, RouteKey="GET /x")
    gateway.update_route(ApiId=api, RouteId=first, RouteKey="GET /x")
    gateway.delete_route(ApiId=api, RouteId=first)
    gateway.update_route(ApiId=api, RouteId=other, RouteKey="GET /x")


@pytest.mark.rule("TargetsExist")
def test_a_route_names_only_what_is_there(aws: Clients, api: str) -> None:
    gateway = aws.apigatewayv2
    refused("BadRequestException", gateway.create_route, ApiId=api, RouteKey="GET /x", Target="integrations/nothing")
    guarded = {"AuthorizationType": "CUSTOM", "AuthorizerId": "nobody"}
    refused("BadRequestException", gateway.create_route, ApiId=api, RouteKey="GET /x", **guarded)
    gateway.create_route(ApiId=api, RouteKey="GET /x", Target=f"integrations/{integration(aws, api)}")


@pytest.mark.rule("MappedApi")
def test_a_mapped_api_stays_until_the_mapping_is_gone(aws: Clients, api: str, control: Control) -> None:
    gateway, domain = aws.apigatewayv2, "mapped.practice.example.com"
    gateway.create_stage(ApiId=api, StageName="one", AutoDeploy=True)
    gateway.create_domain_name(DomainName=domain, DomainNameConfigurations=[{"CertificateArn": "arn:x"}])
    mapping = gateway.create_api_mapping(DomainName=domain, ApiId=api, Stage="one")["ApiMappingId"]
    refused("ConflictException", gateway.delete_api, ApiId=api)
    refused("ConflictException", gateway.delete_stage, ApiId=api, StageName="one")
    gateway.delete_api_mapping(DomainName=domain, ApiMappingId=mapping)
    gateway.delete_stage(ApiId=api, StageName="one")
    gateway.delete_domain_name(DomainName=domain)


@pytest.mark.rule("StageChanged")
def test_a_stage_is_changed_where_it_is_told_to(aws: Clients, old: dict[str, str], outside: Outside) -> None:
    """The access log as a step that can be taken back."""
    gateway, where = aws.apigatewayv2, {"ApiId": old["api_id"], "StageName": "$default"}
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/apigateway/iris-api"
    settings = {"DestinationArn": arn, "Format": "$context.identity.userAgent $context.routeKey $context.status"}
    gateway.update_stage(AccessLogSettings=settings, **where)
    told = gateway.get_stage(**where)
    assert (told["AccessLogSettings"], told["AutoDeploy"]) == (settings, True)
    outside.get(old["endpoint"] + "/api/iris/health", headers={"User-Agent": "who/1"})
    said = [item["message"] for item in aws.logs.filter_log_events(logGroupName="/aws/apigateway/iris-api")["events"]]
    assert "who/1 GET /api/iris/health 200" in said
    gateway.delete_access_log_settings(**where)
    assert "AccessLogSettings" not in gateway.get_stages(ApiId=old["api_id"])["Items"][0]
    refused("NotFoundException", gateway.update_stage, ApiId=old["api_id"], StageName="nowhere")


@pytest.mark.rule("Deployments")
def test_without_autodeploy_changes_wait_for_a_deployment(
    aws: Clients, api: str, outside: Outside, control: Control
) -> None:
    gateway, url = aws.apigatewayv2, f"https://{api}.execute-api.us-east-1.amazonaws.com/api/iris/health"
    used = integration(aws, api)
    route = gateway.create_route(ApiId=api, RouteKey="GET /api/iris/health", Target=f"integrations/{used}")["RouteId"]
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=False)
    arn = f"arn:aws:execute-api:us-east-1:123456789012:{api}/*"
    aws.lambda_.add_permission(
        FunctionName="iris-backend",
        Qualifier="live",
        StatementId=api,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=arn,
    )
    assert outside.get(url).status_code == 404
    first = gateway.create_deployment(ApiId=api, StageName="$default")["DeploymentId"]
    assert outside.get(url).status_code == 200
    gateway.delete_route(ApiId=api, RouteId=route)
    assert outside.get(url).status_code == 200
    control.post("clock", {"advance": 5})
    second = gateway.create_deployment(ApiId=api, StageName="$default")["DeploymentId"]
    assert outside.get(url).status_code == 404
    gateway.update_stage(ApiId=api, StageName="$default", DeploymentId=first)
    assert outside.get(url).status_code == 200
    refused("ConflictException", gateway.delete_deployment, ApiId=api, DeploymentId=first)
    gateway.delete_deployment(ApiId=api, DeploymentId=second)
    assert [item["DeploymentId"] for item in gateway.get_deployments(ApiId=api)["Items"]] == [first]
    refused("NotFoundException", gateway.get_deployment, ApiId=api, DeploymentId=second)
    aws.lambda_.remove_permission(FunctionName="iris-backend", Qualifier="live", StatementId=api)


@pytest.mark.rule("HttpApiExport")
def test_an_api_is_exported_with_its_integrations_and_authorizers(aws: Clients, old: dict[str, str]) -> None:
    asked = {"ApiId": old["api_id"], "OutputType": "JSON", "Specification": "OAS30"}
    told = json.loads(aws.apigatewayv2.export_api(IncludeExtensions=True, StageName="$default", **asked)["body"].read())
    assert set(told["paths"]) == {"/api/iris/analyze", "/api/iris/health", "/api/iris/{proxy+}"}
    analyze = told["paths"]["/api/iris/analyze"]["post"]
    assert analyze["x-amazon-apigateway-integration"]["uri"] == FUNCTION
    assert analyze["security"] == [{"iris-authorizer": []}]
    assert "x-amazon-apigateway-authorizer" in told["components"]["securitySchemes"]["iris-authorizer"]
    bare = json.loads(aws.apigatewayv2.export_api(IncludeExtensions=False, **asked)["body"].read())
    assert "x-amazon" not in json.dumps(bare["paths"]["/api/iris/analyze"])
    refused("NotFoundException", aws.apigatewayv2.export_api, **{**asked, "ApiId": "nosuchapi"})
    refused("NotFoundException", aws.apigatewayv2.export_api, StageName="nowhere", **asked)


@pytest.mark.rule("Pages")
def test_lists_come_in_pages(aws: Clients, api: str, control: Control) -> None:
    gateway = aws.apigatewayv2
    for at in range(27):
        gateway.create_route(ApiId=api, RouteKey=f"GET /{at}")
    first = gateway.get_routes(ApiId=api)
    assert len(first["Items"]) == 25
    rest = gateway.get_routes(ApiId=api, NextToken=first["NextToken"])
    assert len(rest["Items"]) == 2
    assert "NextToken" not in rest
    assert len(gateway.get_routes(ApiId=api, MaxResults="500")["Items"]) == 27
    found = gateway.get_paginator("get_routes").paginate(ApiId=api, PaginationConfig={"PageSize": 10})
    assert len({item["RouteId"] for page in found for item in page["Items"]}) == 27
    refused("BadRequestException", gateway.get_routes, ApiId=api, NextToken="!")


@pytest.mark.rule("Pace")
def test_the_control_plane_takes_forty_calls_at_once_and_ten_a_second() -> None:
    """The rule itself, on a clock that stands still: how fast this machine is does not matter."""
    at = [1000.0]
    clock = PracticeClock(lambda: at[0])
    pace = Pace(cast(Any, SimpleNamespace(clock=clock, switches=Switches(pace=True))))

    def passed(calls: int, account: str = "1") -> int:
        request = AwsRequest("apigatewayv2", "GetApis", "us-east-1", "key", "rest-json", account=account)
        answers = [pace.paced(request) for _ in range(calls)]
        assert {answer.code for answer in answers if answer} <= {"TooManyRequestsException"}
        return answers.count(None)

    assert passed(60) == 40
    at[0] += 1.0
    assert passed(60) == 10
    assert passed(5, account="2") == 5
    at[0] += 3600.0
    assert passed(60) == 40


@pytest.mark.rule("Pace")
def test_a_rest_api_is_deleted_once_in_thirty_seconds(aws: Clients, control: Control) -> None:
    made = []
    for name in ("one", "two"):
        control.post("clock", {"advance": 4})
        made.append(aws.apigateway.create_rest_api(name=name)["id"])
    control.post("clock", {"advance": 31})
    aws.apigateway.delete_rest_api(restApiId=made[0])
    refused("TooManyRequestsException", aws.apigateway.delete_rest_api, restApiId=made[1])
    control.post("clock", {"advance": 31})
    aws.apigateway.delete_rest_api(restApiId=made[1])
