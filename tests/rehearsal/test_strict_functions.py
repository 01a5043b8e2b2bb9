"""What Lambda refuses, remembers and hands out."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import secrets
import zipfile
from collections.abc import Iterator

import pytest

from tests.rehearsal.conftest import Clients, Control, refused
from tests.rehearsal.outside import Outside

SOURCE = "arn:aws:execute-api:us-east-1:123456789012:abc/*"


def archive(text: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr("main.py", text)
    return data.getvalue()


@pytest.fixture
def function(aws: Clients) -> Iterator[str]:
    """A zip function of a test's own."""
    name = f"test-{secrets.token_hex(4)}"
    aws.lambda_.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="main.handler",
        Role=aws.role(),
        Code={"ZipFile": archive("def handler(event, context):\n    return {'said': 1, 'heard': event}\n")},
    )
    yield name
    if name in [item["FunctionName"] for item in aws.lambda_.list_functions()["Functions"]]:
        aws.lambda_.delete_function(FunctionName=name)


def permit(aws: Clients, function: str, statement: str, **more: str) -> None:
    aws.lambda_.add_permission(
        FunctionName=function,
        StatementId=statement,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=SOURCE,
        **more,
    )


@pytest.mark.rule("PolicyOfAQualifier")
def test_each_qualifier_has_a_policy_of_its_own(aws: Clients, function: str) -> None:
    refused("ResourceNotFoundException", aws.lambda_.get_policy, FunctionName=function)
    aws.lambda_.publish_version(FunctionName=function)
    aws.lambda_.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    permit(aws, function, "api")
    permit(aws, function, "api", Qualifier="live")
    permit(aws, function, "other", Qualifier="live")
    with pytest.raises(aws.lambda_.exceptions.ResourceConflictException):
        permit(aws, function, "api")

    def statements(**more: str) -> list[str]:
        told = json.loads(aws.lambda_.get_policy(FunctionName=function, **more)["Policy"])
        return [item["Sid"] for item in told["Statement"]]

    assert (statements(), statements(Qualifier="live")) == (["api"], ["api", "other"])
    aws.lambda_.remove_permission(FunctionName=function, StatementId="api")
    refused("ResourceNotFoundException", aws.lambda_.remove_permission, FunctionName=function, StatementId="api")
    refused("ResourceNotFoundException", aws.lambda_.get_policy, FunctionName=function)
    assert statements(Qualifier="live") == ["api", "other"]
    aws.lambda_.delete_function(FunctionName=function)
    refused("ResourceNotFoundException", aws.lambda_.get_policy, FunctionName=function, Qualifier="live")


@pytest.mark.rule("Invoking", "ConcurrencyShown")
def test_concurrency_0_refuses_every_invocation_and_is_told(aws: Clients, function: str) -> None:
    assert json.load(aws.lambda_.invoke(FunctionName=function, Payload=b'"x"')["Payload"]) == {"said": 1, "heard": "x"}
    assert "ReservedConcurrentExecutions" not in aws.lambda_.get_function_concurrency(FunctionName=function)
    assert "Concurrency" not in aws.lambda_.get_function(FunctionName=function)
    aws.lambda_.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    refused("TooManyRequestsException", aws.lambda_.invoke, FunctionName=function)
    told = aws.lambda_.get_function(FunctionName=function)["Concurrency"]
    assert told == {"ReservedConcurrentExecutions": 0}
    too_many = {"FunctionName": function, "ReservedConcurrentExecutions": 901}
    assert "below its minimum" in refused(
        "InvalidParameterValueException", aws.lambda_.put_function_concurrency, **too_many
    )
    aws.lambda_.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=900)
    assert aws.lambda_.invoke(FunctionName=function)["StatusCode"] == 200
    aws.lambda_.delete_function_concurrency(FunctionName=function)


@pytest.mark.rule("VersionsStay", "AliasHolds")
def test_versions_keep_their_code_and_aliases_keep_their_versions(aws: Clients, function: str) -> None:
    first = aws.lambda_.publish_version(FunctionName=function)["Version"]
    new = archive("def handler(event, context):\n    return 'new'\n")
    aws.lambda_.update_function_code(FunctionName=function, ZipFile=new)
    second = aws.lambda_.publish_version(FunctionName=function)["Version"]
    assert (first, second) == ("1", "2")
    old = json.load(aws.lambda_.invoke(FunctionName=function, Qualifier=first)["Payload"])
    assert (old["said"], json.load(aws.lambda_.invoke(FunctionName=function)["Payload"])) == (1, "new")
    aws.lambda_.create_alias(FunctionName=function, Name="live", FunctionVersion=first)
    refused("ResourceConflictException", aws.lambda_.delete_function, FunctionName=function, Qualifier=first)
    refused("InvalidParameterValueException", aws.lambda_.delete_function, FunctionName=function, Qualifier="$LATEST")
    aws.lambda_.delete_alias(FunctionName=function, Name="live")
    aws.lambda_.delete_function(FunctionName=function, Qualifier=first)
    aws.lambda_.update_function_code(FunctionName=function, ZipFile=archive("handler = print\n"))
    assert aws.lambda_.publish_version(FunctionName=function)["Version"] == "3"


@pytest.mark.rule("VersionsStay")
@pytest.mark.usefixtures("old")
def test_a_version_says_which_image_it_was_published_with(aws: Clients) -> None:
    first = aws.lambda_.get_function(FunctionName="iris-backend", Qualifier="1")["Code"]
    latest = aws.lambda_.get_function(FunctionName="iris-backend")["Code"]
    assert first["ImageUri"].endswith(":v1")
    assert latest["ImageUri"].endswith(":v2")
    assert first["ResolvedImageUri"] != latest["ResolvedImageUri"]


@pytest.mark.rule("CodeAddress")
def test_code_and_layers_are_fetched_within_ten_minutes(
    aws: Clients, function: str, outside: Outside, control: Control
) -> None:
    seen = aws.lambda_.get_function(FunctionName=function)
    url = seen["Code"]["Location"]
    data = outside.get(url).content
    assert base64.b64encode(hashlib.sha256(data).digest()).decode() == seen["Configuration"]["CodeSha256"]
    control.post("clock", {"advance": 599})
    assert outside.get(url).status_code == 200
    control.post("clock", {"advance": 2})
    assert outside.get(url).status_code == 403
    packed = archive("layer = 1\n")
    aws.lambda_.publish_layer_version(LayerName="shared", Content={"ZipFile": packed})
    location = aws.lambda_.get_layer_version(LayerName="shared", VersionNumber=1)["Content"]["Location"]
    assert outside.get(location).content == packed


@pytest.mark.rule("FunctionUrls")
def test_a_function_has_one_url(aws: Clients, function: str, outside: Outside) -> None:
    assert aws.lambda_.list_function_url_configs(FunctionName=function)["FunctionUrlConfigs"] == []
    refused("ResourceNotFoundException", aws.lambda_.delete_function_url_config, FunctionName=function)
    url = aws.lambda_.create_function_url_config(FunctionName=function, AuthType="NONE")["FunctionUrl"]
    assert url.endswith(".on.aws/")
    again = {"FunctionName": function, "AuthType": "NONE"}
    refused("ResourceConflictException", aws.lambda_.create_function_url_config, **again)
    listed = aws.lambda_.list_function_url_configs(FunctionName=function)["FunctionUrlConfigs"]
    assert [item["FunctionUrl"] for item in listed] == [url]
    assert outside.get(url).status_code == 403
    aws.lambda_.delete_function_url_config(FunctionName=function)
    refused("ResourceNotFoundException", aws.lambda_.get_function_url_config, FunctionName=function)


@pytest.mark.rule("MappingsLinger")
def test_a_deleted_event_source_is_shown_for_a_while(aws: Clients, function: str, control: Control) -> None:
    queue = aws.sqs.create_queue(QueueName=function)["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    made = aws.lambda_.create_event_source_mapping(FunctionName=function, EventSourceArn=arn)["UUID"]
    assert aws.lambda_.delete_event_source_mapping(UUID=made)["State"] == "Deleting"
    assert aws.lambda_.get_event_source_mapping(UUID=made)["State"] == "Deleting"
    listed = aws.lambda_.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    assert [item["State"] for item in listed] == ["Deleting"]
    refused("ResourceInUseException", aws.lambda_.delete_event_source_mapping, UUID=made)
    control.post("clock", {"advance": 11})
    refused("ResourceNotFoundException", aws.lambda_.get_event_source_mapping, UUID=made)
    refused("ResourceNotFoundException", aws.lambda_.delete_event_source_mapping, UUID=made)
    assert aws.lambda_.list_event_source_mappings(FunctionName=function)["EventSourceMappings"] == []


@pytest.mark.rule("SettingsKept", "EmptyLists")
def test_settings_are_told_as_they_were_set(aws: Clients, function: str) -> None:
    plain = aws.lambda_.get_function_configuration(FunctionName=function)
    assert plain["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function}"}
    given = {
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/elsewhere"},
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:dead"},
    }
    aws.lambda_.update_function_configuration(FunctionName=function, **given)
    told = aws.lambda_.get_function(FunctionName=function)["Configuration"]
    assert {name: told[name] for name in given} == given
    assert (
        aws.lambda_.list_provisioned_concurrency_configs(FunctionName=function)["ProvisionedConcurrencyConfigs"] == []
    )
    assert aws.lambda_.get_function_recursion_config(FunctionName=function)["RecursiveLoop"] == "Terminate"
    assert aws.lambda_.get_runtime_management_config(FunctionName=function)["UpdateRuntimeOn"] == "Auto"
    assert aws.lambda_.get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 1000
    refused("ResourceNotFoundException", aws.lambda_.get_runtime_management_config, FunctionName="nobody")
