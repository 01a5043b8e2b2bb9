"""The old HTTP API answers, refuses and is gone, as AWS says it does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iris_migrate.rehearsal.launch import World
from tests.rehearsal.conftest import Clients, Control, refused
from tests.rehearsal.outside import SOURCE, Outside

Old = dict[str, str]


def measured(aws: Clients, control: Control, metric: str, name: str, value: str, namespace: str) -> float:
    """The sum of a metric over the last hour of the world's clock."""
    now = datetime.fromtimestamp(control.get("clock")["now"], UTC)
    points = aws.cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


@pytest.fixture
def concurrency(aws: Clients) -> Iterator[Callable[[str, int], Any]]:
    """Sets a function's reserved concurrency; taken away after the test."""
    limited = []

    def limit(function: str, calls: int) -> None:
        limited.append(function)
        aws.lambda_.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=calls)

    yield limit
    for function in limited:
        aws.lambda_.delete_function_concurrency(FunctionName=function)


def test_it_answers_by_its_public_name_over_tls(outside: Outside, old: Old) -> None:
    assert outside.health(old["endpoint"]).json()["status"] == "healthy"
    answer = outside.analyze(old["endpoint"])
    assert answer.status_code == 200
    assert answer.json()["responsibility_blocks"][0]["ranges"] == [[1, 2]]
    assert answer.headers["apigw-requestid"]


def test_the_authorizer_lets_only_known_keys_in(outside: Outside, old: Old) -> None:
    missing, wrong = outside.analyze(old["endpoint"], None), outside.analyze(old["endpoint"], "nobody's")
    assert (missing.status_code, missing.json()) == (401, {"message": "Unauthorized"})
    assert (wrong.status_code, wrong.json()) == (403, {"message": "Forbidden"})


def test_a_path_without_a_route_is_not_found(outside: Outside, old: Old) -> None:
    answer = outside.get(old["endpoint"] + "/elsewhere")
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_names_that_nobody_owns_do_not_resolve(outside: Outside) -> None:
    assert not outside.resolves("https://nosuchapi0.execute-api.us-east-1.amazonaws.com/")
    assert not outside.resolves("https://example.com/")


def test_a_disabled_endpoint_is_not_found_and_comes_back(outside: Outside, old: Old, aws: Clients) -> None:
    aws.apigatewayv2.update_api(ApiId=old["api_id"], DisableExecuteApiEndpoint=True)
    try:
        answer = outside.health(old["endpoint"])
        assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})
    finally:
        aws.apigatewayv2.update_api(ApiId=old["api_id"], DisableExecuteApiEndpoint=False)
    assert outside.health(old["endpoint"]).status_code == 200


def test_without_concurrency_nothing_is_run(
    outside: Outside, old: Old, aws: Clients, concurrency: Callable[[str, int], Any]
) -> None:
    concurrency("iris-backend", 0)
    answer = outside.health(old["endpoint"])
    assert (answer.status_code, answer.json()) == (503, {"message": "Service Unavailable"})
    refused("TooManyRequestsException", aws.lambda_.invoke, FunctionName="iris-backend")
    aws.lambda_.delete_function_concurrency(FunctionName="iris-backend")
    assert outside.health(old["endpoint"]).status_code == 200


def test_a_verdict_outlives_its_authorizer_until_its_time_is_over(
    outside: Outside, old: Old, control: Control, concurrency: Callable[[str, int], Any]
) -> None:
    assert outside.analyze(old["endpoint"]).status_code == 200
    concurrency("iris-authorizer", 0)
    assert outside.analyze(old["endpoint"]).status_code == 200
    control.post("clock", {"advance": 301})
    assert outside.analyze(old["endpoint"]).status_code == 500


def test_a_function_that_lacks_the_permission_is_not_run(outside: Outside, old: Old, aws: Clients) -> None:
    statement = json.loads(
        json.loads(json.dumps(aws.lambda_.get_policy(FunctionName="iris-backend", Qualifier="live")["Policy"]))
    )["Statement"][0]
    aws.lambda_.remove_permission(FunctionName="iris-backend", Qualifier="live", StatementId="api")
    try:
        answer = outside.health(old["endpoint"])
        assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
    finally:
        aws.lambda_.add_permission(
            FunctionName="iris-backend",
            Qualifier="live",
            StatementId="api",
            Action=statement["Action"],
            Principal=statement["Principal"]["Service"],
            SourceArn=statement["Condition"]["ArnLike"]["AWS:SourceArn"],
        )
    assert outside.health(old["endpoint"]).status_code == 200


@pytest.mark.rule("LateMetrics")
def test_calls_are_measured_three_minutes_late(outside: Outside, old: Old, aws: Clients, control: Control) -> None:
    control.post("clock", {"advance": 3600 + 200})
    api = ("ApiId", old["api_id"], "AWS/ApiGateway")
    function = ("FunctionName", "iris-backend", "AWS/Lambda")
    control.post("clock", {"advance": 3600})
    assert measured(aws, control, "Count", *api) == 0
    outside.health(old["endpoint"])
    outside.get(old["endpoint"] + "/elsewhere")
    control.post("clock", {"advance": 170})
    assert measured(aws, control, "Count", *api) == 0
    assert measured(aws, control, "Invocations", *function) == 0
    control.post("clock", {"advance": 11})
    assert measured(aws, control, "Count", *api) == 2
    assert measured(aws, control, "4xx", *api) == 1
    assert measured(aws, control, "Invocations", *function) == 1


def test_throttled_calls_are_counted_as_such_and_are_no_invocations(
    outside: Outside, old: Old, aws: Clients, control: Control, concurrency: Callable[[str, int], Any]
) -> None:
    control.post("clock", {"advance": 2 * 3600})
    concurrency("iris-backend", 0)
    outside.health(old["endpoint"])
    control.post("clock", {"advance": 181})
    function = ("FunctionName", "iris-backend", "AWS/Lambda")
    assert measured(aws, control, "Throttles", *function) == 1
    assert measured(aws, control, "Invocations", *function) == 0
    assert measured(aws, control, "Count", "ApiId", old["api_id"], "AWS/ApiGateway") == 1


def test_what_functions_print_is_in_their_logs(outside: Outside, old: Old, aws: Clients) -> None:
    outside.analyze(old["endpoint"], "printed-by-the-authorizer")
    events = aws.logs.filter_log_events(logGroupName="/aws/lambda/iris-authorizer")["events"]
    assert any("printed-by-the-authorizer" in event["message"] for event in events)


def test_a_function_is_invoked_and_says_which_version(aws: Clients) -> None:
    event = {"requestContext": {"http": {"method": "GET"}}, "rawPath": "/api/iris/health"}
    answer = aws.lambda_.invoke(FunctionName="iris-backend", Qualifier="live", Payload=json.dumps(event))
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "2")
    assert json.load(answer["Payload"])["statusCode"] == 200
    broken = aws.lambda_.invoke(FunctionName="iris-authorizer", Payload=b"[]")
    assert broken["FunctionError"] == "Unhandled"
    assert "errorMessage" in json.load(broken["Payload"])
    refused("ResourceNotFoundException", aws.lambda_.invoke, FunctionName="nobody")


def test_an_integration_sends_requests_on(outside: Outside, old: Old, aws: Clients, control: Control) -> None:
    """The bridge: the same URL, answered by another HTTP endpoint."""
    model = control.get()["addresses"]["model"]
    api = old["api_id"]
    made = aws.apigatewayv2.create_integration(
        ApiId=api,
        IntegrationType="HTTP_PROXY",
        IntegrationMethod="ANY",
        IntegrationUri=f"{model}/{{proxy}}",
        PayloadFormatVersion="1.0",
        RequestParameters={"append:header.x-bridge": "$request.header.x-api-key"},
    )["IntegrationId"]
    target = f"integrations/{made}"
    route = aws.apigatewayv2.create_route(ApiId=api, RouteKey="POST /onward/{proxy+}", Target=target)["RouteId"]
    try:
        url = old["endpoint"] + "/onward/responses"
        answer = outside._client.post(url, json=SOURCE, headers={"Authorization": "Bearer nothing"})
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"
        aws.apigatewayv2.update_integration(ApiId=api, IntegrationId=made, IntegrationUri="http://127.0.0.1:1/")
        assert outside._client.post(url, json=SOURCE).status_code == 500
    finally:
        aws.apigatewayv2.delete_route(ApiId=api, RouteId=route)
        aws.apigatewayv2.delete_integration(ApiId=api, IntegrationId=made)


def test_the_second_account_is_empty_and_apart(world: World, aws: Clients, control: Control) -> None:
    second = Clients(world, second=True)
    assert second.sts.get_caller_identity()["Account"] == "210987654321"
    assert second.lambda_.list_functions()["Functions"] == []
    assert second.apigatewayv2.get_apis()["Items"] == []
    assert second.apigateway.get_rest_apis()["items"] == []
    assert second.ecr.describe_repositories()["repositories"] == []
    made = second.apigatewayv2.create_api(Name="elsewhere", ProtocolType="HTTP")["ApiId"]
    assert made not in [api["ApiId"] for api in aws.apigatewayv2.get_apis()["Items"]]
    assert control.calls()[-2]["account"] == "210987654321"
    second.apigatewayv2.delete_api(ApiId=made)
