"""Who is answered, from where, how often, and what is shown to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import KEY, ask
from flask import Flask
from flask.testing import FlaskClient
from model_server import ModelServer
from service import until
from src.board import Board, Window

FORWARDED = {"X-Forwarded-For": "203.0.113.7"}


@pytest.mark.parametrize("key", [KEY, "test-key-2"])
def test_each_key_of_the_list_is_good(client: FlaskClient, key: str) -> None:
    assert ask(client, key=key).status_code == 200


@pytest.mark.parametrize("key", [None, "", "wrong", KEY[:-1], KEY + "x", f"{KEY},test-key-2", "ключ"])
def test_another_key_is_a_401_before_anything_else(client: FlaskClient, model: ModelServer, key: str | None) -> None:
    response = ask(client, key=None if key is None else key.encode().decode("latin-1"))
    assert response.status_code == 401
    assert response.json["success"] is False
    assert not model.calls
    assert client.get("/api/iris/stats").status_code == 401


def test_without_keys_nobody_from_outside_is_answered(make_app: Callable[..., Flask], model: ModelServer) -> None:
    client = make_app(access={"keys": ()}).test_client()
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via", "X-Forwarded-Proto"):
        response = client.post("/api/iris/analyze", json={}, headers={name: "203.0.113.7"})
        assert response.status_code == 503
        assert "IRIS_API_KEY" in response.json["error"]
        assert client.get("/api/iris/stats", headers={name: "203.0.113.7"}).status_code == 503
    assert not model.calls
    health = client.get("/api/iris/health")
    assert (health.status_code, health.json["status"]) == (503, "unhealthy")
    assert ask(client, key=None).status_code == 200


def test_it_can_be_opened_on_purpose(make_app: Callable[..., Flask]) -> None:
    client = make_app(access={"keys": (), "open_to_all": True}).test_client()
    response = client.post("/api/iris/analyze", json={}, headers=FORWARDED)
    assert response.status_code == 400
    assert client.get("/api/iris/health").status_code == 200


def analyze_from(client: FlaskClient, forwarded: str, key: str = KEY, peer: str = "127.0.0.1") -> Any:
    return client.post(
        "/api/iris/analyze",
        json={"filename": "a", "language": "python", "source_code": ""},
        headers={"x-api-key": key, "X-Forwarded-For": forwarded},
        environ_base={"REMOTE_ADDR": peer},
    )


def test_too_many_from_one_address_are_refused_with_retry_after(make_app: Callable[..., Flask]) -> None:
    client = make_app(access={"address_limit": "3 per hour"}).test_client()
    assert [analyze_from(client, "203.0.113.7").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = analyze_from(client, "203.0.113.7")
    assert refused.json["success"] is False
    assert 1 <= int(refused.headers["Retry-After"]) <= 3600
    assert analyze_from(client, "203.0.113.8").status_code == 200


def test_the_address_is_what_the_trusted_proxy_saw_not_what_the_client_claims(make_app: Callable[..., Flask]) -> None:
    client = make_app(access={"address_limit": "2 per hour"}).test_client()
    claimed = [analyze_from(client, f"198.51.100.{n}, 203.0.113.7").status_code for n in range(3)]
    assert claimed == [200, 200, 429]


def test_without_a_trusted_proxy_the_header_is_not_believed(make_app: Callable[..., Flask]) -> None:
    client = make_app(access={"address_limit": "2 per hour", "trusted_proxies": 0}).test_client()
    assert [analyze_from(client, f"203.0.113.{n}").status_code for n in range(3)] == [200, 200, 429]


def test_too_many_with_one_key_are_refused_wherever_they_come_from(make_app: Callable[..., Flask]) -> None:
    client = make_app(access={"key_limit": "2 per hour"}).test_client()
    assert [analyze_from(client, f"203.0.113.{n}").status_code for n in range(3)] == [200, 200, 429]
    assert analyze_from(client, "203.0.113.9", key="test-key-2").status_code == 200


def test_guessing_keys_is_limited_too(make_app: Callable[..., Flask]) -> None:
    client = make_app(access={"address_limit": "3 per hour"}).test_client()
    guesses = [analyze_from(client, "203.0.113.7", key=f"guess-{n}").status_code for n in range(4)]
    assert guesses == [401, 401, 401, 429]


def test_health_is_not_limited(make_app: Callable[..., Flask]) -> None:
    client = make_app(access={"address_limit": "1 per hour", "key_limit": "1 per hour"}).test_client()
    ask(client, "")
    assert {client.get("/api/iris/health").status_code for _ in range(5)} == {200}


def test_a_window_ends_and_another_begins() -> None:
    board, window = Board.alone(), Window("k", 2, 0.5)
    assert [board.count([window]) for _ in range(2)] == [None, None]
    wait = board.count([window])
    assert wait is not None and 0 < wait <= 0.5
    until(lambda: board.count([window]) is None, "the window does not end")


def test_a_full_window_keeps_the_next_one_from_being_counted() -> None:
    board, full, next_one = Board.alone(), Window("full", 0, 100), Window("next", 1, 100)
    assert board.count([full, next_one]) is not None
    assert board.count([next_one]) is None


def test_no_key_reaches_the_limiter(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(Board, "count", lambda self, windows: seen.extend(window.key for window in windows))
    ask(make_app().test_client())
    assert len(seen) == 2
    assert not any(KEY in key for key in seen)


def test_metrics_are_for_this_machine_only(client: FlaskClient) -> None:
    here = client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert here.status_code == 200
    assert here.mimetype == "text/plain"
    assert "iris_cache_hits_total 0" in here.text
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.7"}).status_code == 404
    assert client.get("/metrics", headers=FORWARDED).status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404
    assert client.get("/metrics", headers={"X-Real-IP": "127.0.0.1"}).status_code == 404


def test_browsers_of_other_origins_get_nothing(client: FlaskClient) -> None:
    response = client.get("/api/iris/health", headers={"Origin": "https://app.example.com"})
    assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]


def test_an_origin_can_be_allowed(make_app: Callable[..., Flask]) -> None:
    client = make_app(access={"cors_origins": ("https://app.example.com",)}).test_client()
    preflight = client.options("/api/iris/analyze", headers={"Origin": "https://app.example.com"})
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    other = client.options("/api/iris/analyze", headers={"Origin": "https://other.example.com"})
    assert "Access-Control-Allow-Origin" not in other.headers


@pytest.mark.parametrize(("given", "kept"), [("abc-123", True), ("a b", False), ("x" * 65, False), ('"}', False)])
def test_a_request_id_is_taken_over_when_it_is_harmless(client: FlaskClient, given: str, kept: bool) -> None:
    answered = client.get("/api/iris/health", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert (answered == given) is kept
    assert answered
