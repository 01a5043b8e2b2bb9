"""One HTTP request from outside and its answer, as the data plane passes them on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from iris_migrate.rehearsal.serving import read_body

MAX_BODY = 10 * 1024 * 1024  # API Gateway's limit for a payload


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. Header names are in small letters; `host` is without its port."""

    method: str
    host: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    address: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The query's parameters; several of one name are joined with commas, as payload format 2.0 does."""
        found: dict[str, str] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            found[name] = f"{found[name]},{value}" if name in found else value
        return found

    @property
    def agent(self) -> str:
        return self.headers.get("user-agent", "")


@dataclass(frozen=True, slots=True)
class Told:
    """An answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def message(status: int, text: str, **headers: str) -> Told:
    """An answer of the gateway itself: `{"message": …}`."""
    told = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Told(status, json.dumps({"message": text}, separators=(",", ":")).encode(), told)


def read(environ: Mapping[str, Any]) -> Asked:
    """The request of a WSGI environment."""
    headers = {name[5:].replace("_", "-").lower(): str(value) for name, value in environ.items() if name[:5] == "HTTP_"}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = str(environ[name])
    host = headers.get("host", "").rpartition("@")[2].partition(":")[0].lower()
    path = str(environ.get("PATH_INFO") or "/").encode("latin-1", "replace").decode("utf-8", "replace")
    return Asked(
        str(environ["REQUEST_METHOD"]),
        host,
        path,
        str(environ.get("QUERY_STRING", "")),
        headers,
        read_body(dict(environ), MAX_BODY),
        str(environ.get("REMOTE_ADDR", "")),
    )
