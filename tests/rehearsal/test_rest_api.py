"""The other kind of old side: a REST API in front of a zip function, with all that can be around it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iris_migrate.rehearsal.launch import World
from tests.rehearsal.conftest import Clients, Control, real_aws, refused
from tests.rehearsal.outside import Outside

pytestmark = pytest.mark.xdist_group("rest-world")

Old = dict[str, str]


@pytest.fixture(scope="module")
def rest(request: pytest.FixtureRequest) -> Clients:
    found: Clients = real_aws(request.config) or Clients(request.getfixturevalue("rest_world"), patient=True)
    return found


@pytest.fixture(scope="module")
def far(rest_world: World) -> Outside:
    return Outside(rest_world)


@pytest.fixture(scope="module")
def before(rest_world: World) -> Any:
    return Control(rest_world).get("old-side")


def test_it_answers_below_its_stage(far: Outside, before: Old) -> None:
    assert before["endpoint"].endswith("/prod")
    assert far.health(before["endpoint"]).json()["status"] == "healthy"
    assert far.analyze(before["endpoint"]).status_code == 200
    missing, wrong = far.analyze(before["endpoint"], None), far.analyze(before["endpoint"], "nobody's")
    assert (missing.status_code, missing.json()) == (401, {"message": "Unauthorized"})
    assert (wrong.status_code, wrong.json()["message"]) == (403, "User is not authorized to access this resource")
    elsewhere = far.get(before["endpoint"] + "/elsewhere")
    assert (elsewhere.status_code, elsewhere.json()) == (403, {"message": "Missing Authentication Token"})


@pytest.mark.rule("RedeployedOnly")
def test_a_deleted_method_is_live_until_the_api_is_deployed_again(far: Outside, before: Old, rest: Clients) -> None:
    api = before["api_id"]
    resources = rest.apigateway.get_resources(restApiId=api, embed=["methods"])["items"]
    health = next(item for item in resources if item["path"] == "/api/iris/health")
    method = health["resourceMethods"]["GET"]
    rest.apigateway.delete_method(restApiId=api, resourceId=health["id"], httpMethod="GET")
    assert far.health(before["endpoint"]).status_code == 200
    rest.apigateway.create_deployment(restApiId=api, stageName="prod")
    assert far.health(before["endpoint"]).status_code == 401  # the greedy route is what is left, and is guarded
    rest.apigateway.put_method(
        restApiId=api, resourceId=health["id"], httpMethod="GET", authorizationType=method["authorizationType"]
    )
    rest.apigateway.put_integration(
        restApiId=api,
        resourceId=health["id"],
        httpMethod="GET",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=method["methodIntegration"]["uri"],
    )
    assert far.health(before["endpoint"]).status_code == 401
    rest.apigateway.create_deployment(restApiId=api, stageName="prod")
    assert far.health(before["endpoint"]).status_code == 200


def test_a_stage_keeps_its_settings_when_it_is_deployed_again(before: Old, rest: Clients) -> None:
    api = before["api_id"]
    was = rest.apigateway.get_stage(restApiId=api, stageName="prod")
    rest.apigateway.create_deployment(restApiId=api, stageName="prod")
    now = rest.apigateway.get_stage(restApiId=api, stageName="prod")
    assert now["accessLogSettings"] == was["accessLogSettings"]
    assert now["deploymentId"] != was["deploymentId"]


@pytest.mark.rule("DeploymentInUse")
def test_a_deployment_that_is_live_cannot_be_deleted_and_one_that_is_not_can(before: Old, rest: Clients) -> None:
    api = before["api_id"]
    live = rest.apigateway.get_stage(restApiId=api, stageName="prod")["deploymentId"]
    refused("BadRequestException", rest.apigateway.delete_deployment, restApiId=api, deploymentId=live)
    newer = rest.apigateway.create_deployment(restApiId=api, stageName="prod")["id"]
    rest.apigateway.delete_deployment(restApiId=api, deploymentId=live)
    left = [item["id"] for item in rest.apigateway.get_deployments(restApiId=api)["items"]]
    assert newer in left
    assert live not in left


def test_a_deleted_stage_is_forbidden_and_comes_back_on_the_same_deployment(
    far: Outside, before: Old, rest: Clients
) -> None:
    api = before["api_id"]
    was = rest.apigateway.get_stage(restApiId=api, stageName="prod")
    plan = rest.apigateway.get_usage_plans()["items"][0]
    named = [{"op": "remove", "path": "/apiStages", "value": f"{api}:prod"}]
    rest.apigateway.update_usage_plan(usagePlanId=plan["id"], patchOperations=named)
    rest.apigateway.delete_base_path_mapping(domainName=before["domain"], basePath="(none)")
    rest.apigateway.delete_stage(restApiId=api, stageName="prod")
    answer = far.health(before["endpoint"])
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})
    rest.apigateway.create_stage(restApiId=api, stageName="prod", deploymentId=was["deploymentId"])
    assert far.health(before["endpoint"]).status_code == 200
    settings = [
        {"op": "replace", "path": f"/accessLogSettings/{name}", "value": value}
        for name, value in was["accessLogSettings"].items()
    ]
    rest.apigateway.update_stage(restApiId=api, stageName="prod", patchOperations=settings)
    back = [{"op": "add", "path": "/apiStages", "value": f"{api}:prod"}]
    rest.apigateway.update_usage_plan(usagePlanId=plan["id"], patchOperations=back)
    rest.apigateway.create_base_path_mapping(domainName=before["domain"], restApiId=api, stage="prod")


@pytest.mark.rule("EndpointOffAfterDeployment")
def test_the_default_endpoint_is_off_after_the_next_change_of_a_stage(far: Outside, before: Old, rest: Clients) -> None:
    api = before["api_id"]

    def switch(value: str) -> None:
        change = [{"op": "replace", "path": "/disableExecuteApiEndpoint", "value": value}]
        rest.apigateway.update_rest_api(restApiId=api, patchOperations=change)

    switch("True")
    assert far.health(before["endpoint"]).status_code == 200
    touched = [{"op": "replace", "path": "/description", "value": "touched"}]
    rest.apigateway.update_stage(restApiId=api, stageName="prod", patchOperations=touched)
    answer = far.health(before["endpoint"])
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})
    assert far.health(f"https://{before['domain']}").status_code == 200
    switch("False")
    assert far.health(before["endpoint"]).status_code == 403
    rest.apigateway.create_deployment(restApiId=api, stageName="prod")
    assert far.health(before["endpoint"]).status_code == 200


def test_a_throttled_function_is_a_500_behind_the_proxy(far: Outside, before: Old, rest: Clients) -> None:
    rest.lambda_.put_function_concurrency(FunctionName="iris-backend", ReservedConcurrentExecutions=0)
    try:
        assert far.health(before["endpoint"]).status_code == 500
        by_url = far.health(before["function_url"].rstrip("/"))
        assert (by_url.status_code, by_url.json()) == (429, {"Message": "Rate Exceeded."})
    finally:
        rest.lambda_.delete_function_concurrency(FunctionName="iris-backend")
    assert far.health(before["endpoint"]).status_code == 200


def test_the_function_answers_by_its_own_url_until_that_is_gone(far: Outside, before: Old, rest: Clients) -> None:
    url = before["function_url"].rstrip("/")
    assert far.health(url).json()["status"] == "healthy"
    rest.lambda_.remove_permission(FunctionName="iris-backend", StatementId="url")
    assert far.health(url).status_code == 403
    rest.lambda_.add_permission(
        FunctionName="iris-backend",
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    assert far.health(url).status_code == 200
    rest.lambda_.delete_function_url_config(FunctionName="iris-backend")
    assert far.health(url).status_code == 403


def test_the_custom_domain_leads_to_the_api_as_long_as_it_is_mapped(far: Outside, before: Old, rest: Clients) -> None:
    domain = f"https://{before['domain']}"
    assert far.analyze(domain).status_code == 200
    rest.apigateway.delete_base_path_mapping(domainName=before["domain"], basePath="(none)")
    assert far.health(domain).status_code == 403
    rest.apigateway.create_base_path_mapping(domainName=before["domain"], restApiId=before["api_id"], stage="prod")
    assert far.health(domain).status_code == 200


def test_the_access_log_says_who_calls(far: Outside, before: Old, rest: Clients) -> None:
    far.get(before["endpoint"] + "/api/iris/health", headers={"User-Agent": "iris-vscode/0.3.9"})
    events = rest.logs.filter_log_events(logGroupName="/aws/apigateway/iris-api")["events"]
    assert any("iris-vscode/0.3.9" in event["message"] and '"status":"200"' in event["message"] for event in events)


def test_somebody_elses_api_uses_the_same_authorizer_function(far: Outside, before: Old, rest: Clients) -> None:
    assert before["second_api"] not in ("", before["api_id"])
    authorizer = rest.apigatewayv2.get_authorizers(ApiId=before["second_api"])["Items"][0]["AuthorizerUri"]
    own = rest.apigateway.get_authorizers(restApiId=before["api_id"])["items"][0]["authorizerUri"]
    assert authorizer == own
    assert far.analyze(before["second_endpoint"], "nobody's").status_code == 403


def test_the_function_says_that_a_stack_owns_it(rest: Clients) -> None:
    seen = rest.lambda_.get_function(FunctionName="iris-backend")
    assert seen["Configuration"]["PackageType"] == "Zip"
    assert seen["Tags"]["aws:cloudformation:stack-name"] == "iris-serverless"


@pytest.mark.rule("RestAuthorizerInUse", "RestGoneIsNotFound", "ChildrenGoAlong")
def test_a_rest_api_holds_on_to_what_is_used_and_forgets_the_rest(rest: Clients) -> None:
    gateway = rest.apigateway
    api = gateway.create_rest_api(name="a test's")["id"]
    guard = gateway.create_authorizer(restApiId=api, name="guard", type="REQUEST", authorizerUri="arn:x")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    parent = gateway.create_resource(restApiId=api, parentId=root, pathPart="a")["id"]
    child = gateway.create_resource(restApiId=api, parentId=parent, pathPart="b")["id"]
    method = {"restApiId": api, "resourceId": child, "httpMethod": "GET"}
    gateway.put_method(authorizationType="CUSTOM", authorizerId=guard, **method)
    text = refused("ConflictException", gateway.delete_authorizer, restApiId=api, authorizerId=guard)
    assert text == "Cannot delete authorizer 'guard', is referenced in method: GET//a/b"
    refused("BadRequestException", gateway.delete_resource, restApiId=api, resourceId=root)
    gateway.delete_method(**method)
    refused("NotFoundException", gateway.delete_method, **method)
    gateway.delete_authorizer(restApiId=api, authorizerId=guard)
    refused("NotFoundException", gateway.delete_authorizer, restApiId=api, authorizerId=guard)
    gateway.delete_resource(restApiId=api, resourceId=parent)
    assert [item["path"] for item in gateway.get_resources(restApiId=api)["items"]] == ["/"]
    refused("NotFoundException", gateway.delete_resource, restApiId=api, resourceId=child)
    gateway.delete_rest_api(restApiId=api)
    refused("NotFoundException", gateway.delete_rest_api, restApiId=api)


@pytest.mark.rule("MappedRestApi", "PlannedStage")
def test_mappings_and_usage_plans_hold_a_stage(before: Old, rest: Clients) -> None:
    stage = {"restApiId": before["api_id"], "stageName": "prod"}
    assert "base path mappings" in refused(
        "BadRequestException", rest.apigateway.delete_rest_api, restApiId=stage["restApiId"]
    )
    rest.apigateway.delete_base_path_mapping(domainName=before["domain"], basePath="(none)")
    assert "usage plan" in refused("BadRequestException", rest.apigateway.delete_stage, **stage)
    rest.apigateway.create_base_path_mapping(domainName=before["domain"], restApiId=before["api_id"], stage="prod")


@pytest.mark.rule("RestApiExport")
def test_a_stage_is_exported_as_it_was_deployed(before: Old, rest: Clients) -> None:
    asked = {"restApiId": before["api_id"], "stageName": "prod", "exportType": "oas30"}
    told = json.load(rest.apigateway.get_export(parameters={"extensions": "apigateway"}, **asked)["body"])
    assert set(told["paths"]) == {"/api/iris/analyze", "/api/iris/health", "/api/iris/{proxy+}"}
    integration = told["paths"]["/api/iris/analyze"]["post"]["x-amazon-apigateway-integration"]
    assert "iris-backend:live" in integration["uri"]
    bare = json.load(rest.apigateway.get_export(**asked)["body"])
    assert "x-amazon-apigateway-integration" not in json.dumps(bare)
    refused("NotFoundException", rest.apigateway.get_export, **{**asked, "stageName": "nowhere"})
