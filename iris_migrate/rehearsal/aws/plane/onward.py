"""HTTP_PROXY integrations: a request sent on to an HTTP endpoint, and its answer given back."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from iris_migrate.rehearsal.aws.plane.events import Call
from iris_migrate.rehearsal.aws.plane.exchange import Told

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "te", "upgrade"})
_REQUEST = re.compile(r"\$(?:request|context)\.[A-Za-z0-9_.\-]+")

# URL and seconds -> a connection to it; raises OSError. https is checked against what public clients trust.
Connect = Callable[[str, float], http.client.HTTPConnection]


class OnwardError(Exception):
    """The endpoint did not answer. `timed_out` is whether it took too long."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


@dataclass(slots=True)
class Onward:
    connect: Connect

    def send(
        self,
        call: Call,
        uri: str,
        *,
        method: str = "ANY",
        mapping: Mapping[str, str] | None = None,
        seconds: float = 30.0,
    ) -> Told:
        """Ask the endpoint as the integration says. `mapping` are `overwrite:path`, `append:header.X` and so on.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-http.html
        Raises OnwardError.
        """
        for name, value in call.parameters.items():
            uri = uri.replace(f"{{{name}}}", value).replace(f"{{{name}+}}", value)
        parts = urlsplit(uri)
        path, headers = parts.path or "/", _headers(call)
        for place, value in (mapping or {}).items():
            action, _, where = place.partition(":")
            filled = _REQUEST.sub(lambda found: _told(found.group(0), call), value)
            if where == "path" and action == "overwrite":
                path = filled
            elif where.startswith("header."):
                _change(headers, action, where.removeprefix("header.").lower(), filled)
        query = "&".join(item for item in (parts.query, call.asked.query) if item)
        target = f"{path}?{query}" if query else path
        connection = None
        try:
            connection = self.connect(uri, seconds)
            sent = call.asked.method if method in ("ANY", "") else method
            connection.request(sent, target, call.asked.body or None, headers)
            answer = connection.getresponse()
            body = answer.read()
        except TimeoutError as error:
            raise OnwardError(f"{uri}: no answer in {seconds:g} s", timed_out=True) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise OnwardError(f"{uri}: {error}") from error
        finally:
            if connection is not None:
                connection.close()
        told = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
        return Told(answer.status, body, told)


def _headers(call: Call) -> dict[str, str]:
    headers = {name: value for name, value in call.asked.headers.items() if name not in _HOP}
    headers["forwarded"] = f"by=127.0.0.1;for={call.asked.address};host={call.asked.host};proto=https"
    headers["via"] = "HTTP/1.1 AmazonAPIGateway"
    return headers


def _change(headers: dict[str, str], action: str, name: str, value: str) -> None:
    if action == "remove":
        headers.pop(name, None)
    elif action == "append" and name in headers:
        headers[name] = f"{headers[name]},{value}"
    else:
        headers[name] = value


def _told(variable: str, call: Call) -> str:
    known: dict[str, Any] = {
        "$request.path": call.path,
        "$context.identity.sourceIp": call.asked.address,
        "$context.requestId": call.request_id,
        "$context.stage": call.stage,
    }
    if variable.startswith("$request.header."):
        return call.asked.headers.get(variable.removeprefix("$request.header.").lower(), "")
    if variable.startswith("$request.path."):
        return call.parameters.get(variable.removeprefix("$request.path."), "")
    return str(known.get(variable, ""))
