"""One call goes wrong in a chosen way; reads lag behind changes."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, HTTPClientError

from tests.rehearsal.conftest import Clients, Control, refused

pytestmark = pytest.mark.usefixtures("no_faults")
CODES = {
    "throttle": {"TooManyRequestsException", "ThrottlingException"},
    "conflict": {"ConflictException", "ResourceConflictException", "ServerException"},
    "error": {"InternalServerErrorException", "ServiceException", "ServerException"},
    "denied": {"AccessDeniedException"},
}
CUT = (ConnectionClosedError, EndpointConnectionError, HTTPClientError)


def tags(aws: Clients, function: str = "iris-backend") -> dict[str, str]:
    arn = aws.lambda_.get_function_configuration(FunctionName=function)["FunctionArn"]
    return dict(aws.lambda_.list_tags(Resource=arn)["Tags"])


@pytest.mark.parametrize("way", CODES)
def test_a_call_is_refused_once_in_the_words_of_its_service(aws: Clients, control: Control, way: str) -> None:
    calls = [aws.apigatewayv2.get_apis, aws.lambda_.list_functions, aws.ecr.describe_repositories]
    for action in ("apigatewayv2:GetApis", "lambda:ListFunctions", "ecr:DescribeRepositories"):
        control.post("faults", {"call": {"action": action, "way": way}})
    for call in calls:
        with pytest.raises(ClientError) as error:
            call()
        assert error.value.response["Error"]["Code"] in CODES[way]
        call()


def test_a_connection_is_cut_before_or_after_a_call_is_carried_out(aws: Clients, control: Control) -> None:
    arn = aws.lambda_.get_function_configuration(FunctionName="iris-backend")["FunctionArn"]
    control.post("faults", {"call": {"action": "lambda:TagResource", "way": "cut-before"}})
    with pytest.raises(CUT):
        aws.lambda_.tag_resource(Resource=arn, Tags={"cut": "before"})
    assert "cut" not in tags(aws)
    control.post("faults", {"clear": True})
    control.post("faults", {"call": {"action": "lambda:TagResource", "way": "cut-after"}})
    with pytest.raises(CUT):
        aws.lambda_.tag_resource(Resource=arn, Tags={"cut": "after"})
    assert tags(aws)["cut"] == "after"
    entries = [call for call in control.calls() if call["operation"] == "TagResource"][-2:]
    assert [entry["fault"] for entry in entries] == ["call-cut-before", "call-cut-after"]
    assert entries[0]["status"] == 0
    assert entries[1]["status"] < 300
    aws.lambda_.untag_resource(Resource=arn, TagKeys=["cut"])


def test_the_nth_changing_call_can_be_chosen(aws: Clients, control: Control) -> None:
    arn = aws.lambda_.get_function_configuration(FunctionName="iris-backend")["FunctionArn"]
    control.post("faults", {"call": {"action": ".*", "way": "denied", "writes": True, "skip": 1}})
    aws.lambda_.tag_resource(Resource=arn, Tags={"nth": "1"})
    assert tags(aws)["nth"] == "1"
    refused("AccessDeniedException", aws.lambda_.untag_resource, Resource=arn, TagKeys=["nth"])
    aws.lambda_.untag_resource(Resource=arn, TagKeys=["nth"])
    assert "nth" not in tags(aws)


@pytest.mark.parametrize(
    "call",
    [{"action": ".*", "way": "rain"}, {"action": "(", "way": "denied"}, {"action": "x", "way": "denied", "no": 1}],
)
def test_what_cannot_be_scripted_is_refused(control: Control, call: dict[str, object]) -> None:
    assert "go wrong" in control.refusal("faults", {"call": call})


def test_for_a_while_a_read_shows_what_was_before(aws: Clients, control: Control) -> None:
    arn = aws.lambda_.get_function_configuration(FunctionName="iris-backend")["FunctionArn"]
    control.post("faults", {"add": "eventual=20"})
    assert "late" not in aws.lambda_.list_tags(Resource=arn)["Tags"]
    aws.lambda_.tag_resource(Resource=arn, Tags={"late": "yes"})
    assert "late" not in aws.lambda_.list_tags(Resource=arn)["Tags"]
    control.post("clock", {"advance": 21})
    assert aws.lambda_.list_tags(Resource=arn)["Tags"]["late"] == "yes"
    aws.lambda_.untag_resource(Resource=arn, TagKeys=["late"])
