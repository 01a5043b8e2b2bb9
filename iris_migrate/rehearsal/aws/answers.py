"""Answers of AWS's own shape: results and errors in the protocol of the request."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from iris_migrate.rehearsal.aws.request import AwsRequest

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/ (the version botocore's model states)
EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15"
IAM_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, whole. `code` is AWS's error code when it is an error."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str = ""


def failure(request: AwsRequest, code: str, message: str, status: int = 400) -> Answer:
    """An error in the request's own protocol, so that botocore raises ClientError with this code."""
    request_id = str(uuid.uuid4())
    if request.protocol == "ec2":
        xml = (
            f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
        return _xml(status, xml, code)
    if request.protocol == "query":
        xml = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
            f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return _xml(status, xml, code)
    body = json.dumps({"__type": code, "message": message, "Message": message}).encode()
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code, "x-amzn-RequestId": request_id}
    return Answer(status, body, headers, code)


def ec2_result(request: AwsRequest, inner: str) -> Answer:
    """A result of EC2; `inner` is XML of its members."""
    name = f"{request.operation}Response"
    xml = f'<{name} xmlns="{EC2_NAMESPACE}"><requestId>{uuid.uuid4()}</requestId>{inner}</{name}>'
    return _xml(200, xml)


def query_result(request: AwsRequest, inner: str, namespace: str = IAM_NAMESPACE) -> Answer:
    """A result of a query service such as IAM; `inner` is XML of its members."""
    name = request.operation
    xml = (
        f'<{name}Response xmlns="{namespace}"><{name}Result>{inner}</{name}Result>'
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></{name}Response>"
    )
    return _xml(200, xml)


def json_result(result: Mapping[str, Any], status: int = 200) -> Answer:
    """A result of a JSON service."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())}
    return Answer(status, json.dumps(result, default=str).encode(), headers)


def _xml(status: int, xml: str, code: str = "") -> Answer:
    return Answer(status, f'<?xml version="1.0" encoding="UTF-8"?>{xml}'.encode(), {"Content-Type": "text/xml"}, code)
