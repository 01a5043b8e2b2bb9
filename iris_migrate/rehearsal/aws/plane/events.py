"""The events that functions get and the answers they give, in API Gateway's payload formats 1.0 and 2.0."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from iris_migrate.rehearsal.aws.plane.exchange import Asked, Told

_TEXT = ("text/", "application/json", "application/javascript", "application/xml", "application/x-www-form-urlencoded")


class ShapeError(ValueError):
    """What a function answered is no response of the agreed shape."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has found its API, stage and route. `key` is the route key, `path` the path without a stage."""

    asked: Asked
    account: str
    api_id: str
    domain: str
    stage: str
    key: str
    template: str
    path: str
    parameters: Mapping[str, str]
    at: float
    variables: Mapping[str, str]
    request_id: str

    @classmethod
    def new_id(cls) -> str:
        return secrets.token_urlsafe(11)

    def source(self, region: str) -> str:
        """The ARN on whose behalf a function is asked."""
        place = self.template or "/$default"
        method = "*" if self.key == "$default" else self.asked.method
        return f"arn:aws:execute-api:{region}:{self.account}:{self.api_id}/{self.stage}/{method}{place}"


def version_2(call: Call, authorizer: Any = None) -> dict[str, Any]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html"""
    body, encoded = _body(call.asked)
    context: dict[str, Any] = {
        "accountId": call.account,
        "apiId": call.api_id,
        "domainName": call.asked.host,
        "domainPrefix": call.asked.host.partition(".")[0],
        "http": {
            "method": call.asked.method,
            "path": call.asked.path,
            "protocol": "HTTP/1.1",
            "sourceIp": call.asked.address,
            "userAgent": call.asked.agent,
        },
        "requestId": call.request_id,
        "routeKey": call.key,
        "stage": call.stage,
        "time": _time(call.at),
        "timeEpoch": int(call.at * 1000),
    }
    if authorizer:
        context["authorizer"] = {"lambda": authorizer}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": call.key,
        "rawPath": call.asked.path,
        "rawQueryString": call.asked.query,
        "headers": dict(call.asked.headers),
        "requestContext": context,
        "isBase64Encoded": encoded,
    }
    for name, value in (
        ("queryStringParameters", call.asked.parameters),
        ("pathParameters", dict(call.parameters)),
        ("stageVariables", dict(call.variables)),
        ("body", body),
    ):
        if value:
            event[name] = value
    return event


def version_1(call: Call, authorizer: Any = None) -> dict[str, Any]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html"""
    body, encoded = _body(call.asked)
    headers = dict(call.asked.headers)
    query = call.asked.parameters
    return {
        "version": "1.0",
        "resource": call.template,
        "path": call.path,
        "httpMethod": call.asked.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "pathParameters": dict(call.parameters) or None,
        "stageVariables": dict(call.variables) or None,
        "requestContext": {
            "accountId": call.account,
            "apiId": call.api_id,
            "authorizer": authorizer or {},
            "domainName": call.asked.host,
            "httpMethod": call.asked.method,
            "identity": {"sourceIp": call.asked.address, "userAgent": call.asked.agent},
            "path": call.asked.path,
            "requestId": str(uuid.uuid4()),
            "resourcePath": call.template,
            "stage": call.stage,
            "requestTimeEpoch": int(call.at * 1000),
        },
        "body": body,
        "isBase64Encoded": encoded,
    }


def told(result: Any, *, inferred: bool) -> Told:
    """The response in a function's answer. With `inferred` (format 2.0) an answer without a status is a 200.

    Raises ShapeError.
    """
    if inferred and not (isinstance(result, dict) and "statusCode" in result):
        return Told(200, json.dumps(result).encode(), {"Content-Type": "application/json"})
    if not isinstance(result, dict):
        raise ShapeError("the answer is no object")
    try:
        status = int(result["statusCode"])
        headers = {str(name): str(value) for name, value in (result.get("headers") or {}).items()}
        body = result.get("body") or ""
        if not isinstance(body, str):
            raise ShapeError("the body is no string")
        data = base64.b64decode(body, validate=True) if result.get("isBase64Encoded") else body.encode()
    except (KeyError, ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise ShapeError(f"the answer has another shape: {error!r}") from error
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "text/plain;charset=UTF-8" if inferred else "application/json"
    return Told(status, data, headers)


def access_context(call: Call, answer: Told, error: str = "") -> dict[str, Any]:
    """The `$context` variables of an access log."""
    return {
        "accountId": call.account,
        "apiId": call.api_id,
        "domainName": call.asked.host,
        "requestId": call.request_id,
        "extendedRequestId": call.request_id,
        "identity.sourceIp": call.asked.address,
        "identity.userAgent": call.asked.agent,
        "requestTime": datetime.fromtimestamp(call.at, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(call.at * 1000),
        "httpMethod": call.asked.method,
        "path": call.asked.path,
        "resourcePath": call.template,
        "routeKey": call.key,
        "stage": call.stage,
        "protocol": "HTTP/1.1",
        "status": answer.status,
        "responseLength": len(answer.body),
        "error.message": error or "-",
        "integrationErrorMessage": error or "-",
    }


def _body(asked: Asked) -> tuple[str | None, bool]:
    if not asked.body:
        return None, False
    kind = asked.headers.get("content-type", "application/json")
    if kind.startswith(_TEXT):
        try:
            return asked.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(asked.body).decode(), True


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
