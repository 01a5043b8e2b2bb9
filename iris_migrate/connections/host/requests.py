"""GET requests from the host itself, by curl; the request is on standard input, where a header may be a secret."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from iris_migrate.connections.host.batch import CAP, NOTHING, Answer, Kind
from iris_migrate.redact import clean, clean_bytes
from iris_migrate.target import Http

SECONDS = 8  # for one request


@dataclass(frozen=True, slots=True)
class Request:
    """`headers` are not part of what is shown of it."""

    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return self.url


def _quoted(text: str) -> str:
    """A value in curl's configuration file. Line ends would begin another option."""
    if "\n" in text or "\r" in text:
        raise ValueError("a line end in a URL or header")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def configuration(request: Request) -> bytes:
    """What curl reads on standard input."""
    lines = [f"url = {_quoted(request.url)}", f"max-time = {SECONDS}", 'proto = "=http,https"', 'noproxy = "*"']
    lines += [f"header = {_quoted(f'{name}: {value}')}" for name, value in request.headers]
    return ("\n".join(lines) + "\n").encode()


_CURL = [
    "curl",
    "-q",
    "-sS",
    "-i",
    "--suppress-connect-headers",
    "-w",
    "%{stderr}\n%{http_code} %{time_total}\n",
    "-K",
    "-",
]


def _read(items: Sequence[Request], answer: Answer, mark: str) -> list[Any]:
    *said, summary = clean(answer.err).strip().splitlines() or [""]
    code, _, seconds = summary.partition(" ")
    if not code.isdigit():
        return [NOTHING]
    took = float(seconds.replace(",", "."))
    # 23: curl could not write, because the body is longer than what is kept.
    if int(code) == 0 or (answer.status not in (0, 23) and not answer.cut):
        return [Http(0, error=" ".join(said) or f"curl ended with {answer.status}", seconds=took)]
    headers, body = _split(answer.out)
    return [Http(int(code), headers, _parsed(headers, body[:CAP]), "", took)]


def _split(data: bytes) -> tuple[dict[str, str], bytes]:
    """Headers (names in small letters) and body; interim answers (1xx) are left out."""
    while True:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = clean_bytes(head.replace(b"\r\n", b"\n")).split("\n")
        if first.split(" ")[1:2] and first.split(" ")[1].startswith("1"):
            continue
        pairs = (line.partition(":") for line in lines)
        return {name.strip().lower(): value.strip() for name, _, value in pairs}, data


def _parsed(headers: dict[str, str], body: bytes) -> Any:
    text = clean_bytes(body)
    if "json" in headers.get("content-type", ""):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


HTTP = Kind(
    "http", lambda items, mark: list(_CURL), _read, together=1, feed=configuration, free=True, cap=lambda n: CAP + 16384
)
