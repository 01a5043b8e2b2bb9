"""The tester tries the extension when its bundle names a new endpoint, and not before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iris_migrate.rehearsal.actors import ExtensionUser
from iris_migrate.rehearsal.extension import BUNDLE, USER_AGENT, make_checkout
from iris_migrate.rehearsal.serving import Serving, answer_json, read_body

OLD = "https://abc123.execute-api.us-east-1.amazonaws.com"


class Service:
    """A public endpoint that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.status = "502 Bad Gateway"

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        names = ("REQUEST_METHOD", "PATH_INFO", "HTTP_USER_AGENT", "HTTP_X_API_KEY", "HTTP_HOST")
        self.asked.append({name: environ.get(name) for name in names} | json.loads(read_body(environ)))
        return answer_json(start_response, {}, self.status)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def port(service: Service) -> Iterator[int]:
    serving = Serving(service).start("test-service")
    yield serving.port
    serving.stop()


def look(tester: ExtensionUser, times: int = 12) -> None:
    for _ in range(times):
        tester.look()


def test_the_tester_asks_until_it_is_answered_and_then_no_more(tmp_path: Path, service: Service, port: int) -> None:
    checkout = make_checkout(tmp_path / "iris-vscode", OLD)
    resolve = {"iris.practice.example.com": "127.0.0.1"}.get
    tester = ExtensionUser(checkout, OLD, "practice-key", resolve, tmp_path / "ca.pem")
    look(tester)
    assert service.asked == [], "the bundle still names the old endpoint"
    bundle = checkout / BUNDLE
    bundle.write_text(bundle.read_text().replace(OLD, f"http://iris.practice.example.com:{port}"))
    look(tester)
    assert len(service.asked) >= 2
    service.status = "200 OK"
    look(tester)
    done = len(service.asked)
    look(tester)
    assert len(service.asked) == done
    asked = service.asked[-1]
    assert (asked["REQUEST_METHOD"], asked["PATH_INFO"]) == ("POST", "/api/iris/analyze")
    assert asked["HTTP_USER_AGENT"] == USER_AGENT
    assert asked["HTTP_X_API_KEY"] == "practice-key"
    assert asked["HTTP_HOST"] == f"iris.practice.example.com:{port}"
    assert asked["language"] == "python"
    assert tester.tried[-1]["status"] == 200


def test_an_endpoint_that_does_not_resolve_is_tried_again(tmp_path: Path, service: Service, port: int) -> None:
    checkout = make_checkout(tmp_path / "iris-vscode", f"http://iris.practice.example.com:{port}")
    known: dict[str, str] = {}
    tester = ExtensionUser(checkout, OLD, "practice-key", known.get, tmp_path / "ca.pem")
    look(tester)
    assert service.asked == []
    assert tester.tried[-1]["status"] == 0
    service.status = "200 OK"
    known["iris.practice.example.com"] = "127.0.0.1"
    look(tester)
    assert len(service.asked) == 1
