"""Names a request to AWS: which service, which operation, with which parameters."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

# moto is imported where it is used: its settings are made first, see `cloud.prepare_moto`.
# The service in a signature's credential scope -> boto3's name of the client, where they differ.
CLIENTS = {
    "monitoring": "cloudwatch",
    "elasticloadbalancing": "elbv2",
    "servicequotas": "service-quotas",
}
_SCOPE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")
_READS = re.compile(r"(Describe|Get|List|Batch(Get|Check)|Filter|Simulate|Lookup|Search|Test|Head)[A-Z]|AssumeRole$")
MAX_BODY = 16 * 1024 * 1024  # more than any call here needs


class UnnamedRequestError(Exception):
    """A request that is no signed call of a service known to botocore."""


@dataclass(frozen=True, slots=True)
class AwsRequest:
    """One call, as boto3 would name it: `service` is the client's name, `operation` the API's own."""

    service: str
    operation: str
    region: str
    access_key: str
    protocol: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = b""
    account: str = ""  # whose key signed it

    @property
    def action(self) -> str:
        return f"{self.service}:{self.operation}"

    @property
    def dry_run(self) -> bool:
        return self.params.get("DryRun") is True

    @property
    def writes(self) -> bool:
        """Whether it changes something. A dry run changes nothing."""
        return not _READS.match(self.operation) and not self.dry_run

    def fingerprint(self, *without: str) -> str:
        """A digest of the parameters, for idempotency tokens."""
        plain = {name: value for name, value in self.params.items() if name not in without}
        return hashlib.sha256(json.dumps(plain, sort_keys=True, default=repr).encode()).hexdigest()


def name_request(environ: dict[str, Any]) -> AwsRequest:
    """Read and name a request. The body is put back for whoever reads next. Raises UnnamedRequestError."""
    from moto.core.parse import PROTOCOL_PARSERS
    from moto.core.request import Request, determine_request_protocol
    from moto.core.utils import get_service_model

    body = _body(environ)
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if scope is None:
        raise UnnamedRequestError("the request is not signed with AWS Signature Version 4")
    access_key, region, signing = scope.groups()
    service = _client(signing, environ.get("PATH_INFO", ""))
    try:
        model = get_service_model(service)
        operation, uri_params = _operation(environ, body, service)
        operation_model = model.operation_model(operation)
        protocol = str(determine_request_protocol(model, environ.get("CONTENT_TYPE", "")))
    except Exception as error:  # botocore and moto raise many kinds for what they do not know
        raise UnnamedRequestError(f"no operation of {service} answers to this request: {error}") from error
    request = Request(dict(environ, **{"wsgi.input": io.BytesIO(body)}))
    try:
        params = PROTOCOL_PARSERS[protocol](operation_model, map_type=dict).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": body,
                "url_path": request.path,
                "url_params": uri_params,
            }
        )
    except Exception as error:
        raise UnnamedRequestError(f"the parameters of {service}:{operation} cannot be read: {error}") from error
    return AwsRequest(service, operation, region, access_key, protocol, params or {}, body)


def _body(environ: dict[str, Any]) -> bytes:
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > MAX_BODY:
        raise UnnamedRequestError(f"a body of {length} bytes; the practice AWS takes {MAX_BODY}")
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _client(signing: str, path: str) -> str:
    if signing == "apigateway":
        return "apigatewayv2" if path.startswith("/v2/") else "apigateway"
    return CLIENTS.get(signing, signing)


def _operation(environ: dict[str, Any], body: bytes, service: str) -> tuple[str, dict[str, Any]]:
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return target.rpartition(".")[2], {}
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if "Action" in fields:
            return fields["Action"], {}
    from moto.core.request import Request
    from moto.core.routing import get_service_router

    request = Request(dict(environ, **{"wsgi.input": io.BytesIO(body)}))
    operation, uri_params = get_service_router(service).match(request)
    return operation.name, dict(uri_params)
