"""The model call: what is asked, what is retried, what is refused, and what it costs."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from conftest import SOURCE, ask
from flask import Flask
from flask.testing import FlaskClient
from model_server import GOOD, ModelServer, failure, message, reply
from service import BACKEND, free_port
from src.configuration import ModelSettings
from src.errors import ModelOverloaded, ModelUnreachable
from src.model_client import ModelClient
from src.source_text import SourceText


def test_what_the_client_loads_stays_out_of_the_collector(client: FlaskClient) -> None:
    gc.unfreeze()
    assert ask(client).status_code == 200
    assert gc.get_freeze_count() > 10_000


def test_the_answer_has_the_wire_shape_with_settled_ranges(client: FlaskClient) -> None:
    response = ask(client, metadata={"filepath": "/x/a.py", "line_count": 4})
    assert response.status_code == 200
    assert response.json == {
        "success": True,
        "file_intent": "Adds numbers for the tests.",
        "responsibility_blocks": [
            {"label": "Adding", "description": "Adds two numbers.", "ranges": [[1, 2]]},
            {"label": "The rest", "description": "What is left.", "ranges": [[3, 3]]},
        ],
        "metadata": {
            "filepath": "/x/a.py",
            "line_count": 4,
            "input_tokens": 3562,
            "output_tokens": 270,
            "estimated_cost_usd": 0.0002861,
            "cache_hit": 0,
        },
    }


def test_a_hit_costs_nothing_and_asks_nobody(client: FlaskClient, model: ModelServer) -> None:
    paid = ask(client).json
    hit = ask(client, metadata={"mine": 1, "cache_hit": "theirs", "input_tokens": "theirs"}).json
    assert len(model.calls) == 1
    assert hit["responsibility_blocks"] == paid["responsibility_blocks"]
    assert hit["metadata"] == {
        "mine": 1, "input_tokens": 0, "output_tokens": 0, "estimated_cost_usd": 0, "cache_hit": 1,
    }  # fmt: skip


def test_the_source_reaches_the_model_numbered_once(client: FlaskClient, model: ModelServer) -> None:
    ask(client, "1 | def add(a, b):\n2 |     return a + b")
    assert model.calls[0]["input"].endswith("\n1 | def add(a, b):\n2 |     return a + b")
    assert "1 | 1 |" not in model.calls[0]["input"]


def test_the_call_is_made_as_the_settings_say(make_app: Callable[..., Flask], model: ModelServer) -> None:
    app = make_app(model={"name": "another-model", "effort": "low", "input_price": 1.0, "output_price": 10.0})
    answer = ask(app.test_client()).json
    call = model.calls[0]
    assert (call["path"], call["key"]) == ("/v1/responses", "Bearer sk-test-only")
    assert (call["model"], call["reasoning"], call["store"]) == ("another-model", {"effort": "low"}, False)
    assert call["text"]["format"]["type"] == "json_schema"
    assert answer["metadata"]["estimated_cost_usd"] == pytest.approx(3562e-6 + 270 * 10e-6)


@pytest.mark.parametrize(("source", "hint"), [("a = 1\n" * 20, False), ("a=1;" * 2000, True)])
def test_a_minified_file_gets_a_hint(client: FlaskClient, model: ModelServer, source: str, hint: bool) -> None:
    ask(client, source)
    assert ("minified" in model.calls[0]["instructions"]) is hint


@pytest.mark.parametrize("source", ["", " \n\t\n", "1 | \n2 |   "])
def test_a_blank_file_costs_nothing(client: FlaskClient, model: ModelServer, source: str) -> None:
    answer = ask(client, source).json
    assert answer["success"] is True
    assert len(answer["responsibility_blocks"]) == 1
    assert answer["metadata"]["estimated_cost_usd"] == 0
    assert answer["metadata"]["cache_hit"] == 0
    assert not model.calls


def good_after(*failures: tuple[int, dict[str, str], Any]) -> Callable[[int], tuple[int, dict[str, str], Any]]:
    return lambda number: failures[number - 1] if number <= len(failures) else (200, {}, reply(GOOD))


def with_ranges(*blocks: list[list[int]]) -> dict[str, Any]:
    named = [{"label": "x", "description": "y", "ranges": ranges} for ranges in blocks]
    return reply({**GOOD, "responsibility_blocks": named})


RETRY_AT_ONCE = {"Retry-After": "0.01"}


@pytest.mark.parametrize("status", [429, 503])
def test_an_overloaded_service_is_asked_again(client: FlaskClient, model: ModelServer, status: int) -> None:
    model.answers = good_after(failure(status, "busy", **RETRY_AT_ONCE), failure(status, "busy", **RETRY_AT_ONCE))
    assert ask(client).status_code == 200
    assert len(model.calls) == 3


def test_an_overload_that_lasts_is_told_with_retry_after(client: FlaskClient, model: ModelServer) -> None:
    model.answers = lambda number: failure(429, "rate_limit_exceeded", **RETRY_AT_ONCE)
    response = ask(client)
    assert (response.status_code, len(model.calls)) == (503, 3)
    assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (failure(500, "server_error"), 502),
        (failure(502, "bad_gateway"), 502),
        (failure(400, "context_length_exceeded"), 502),
        (failure(404, "model_not_found"), 502),
        (failure(504, "timeout"), 504),
        (failure(401, "invalid_api_key"), 503),
        (failure(403, "forbidden"), 503),
        (failure(429, "insufficient_quota"), 503),
        ((200, {}, b"<html>not json</html>"), 502),
        ((200, {}, b"[]"), 502),
        ((200, {}, {}), 502),
        ((200, {}, reply("not json")), 502),
        ((200, {}, reply("{}")), 502),
        ((200, {}, reply({**GOOD, "file_intent": "  "})), 502),
        ((200, {}, with_ranges()), 502),
        ((200, {}, with_ranges([])), 502),
        ((200, {}, with_ranges([[7, 9]], [[0, 0]], [[3, 2]], [[1]])), 502),
        ((200, {}, reply(GOOD, status="incomplete", incomplete_details={"reason": "max_output_tokens"})), 502),
        ((200, {}, reply("", output=[message({"type": "refusal", "refusal": "I will not."})])), 502),
        ((200, {}, reply("", output=[])), 502),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_an_error_asked_once_and_not_kept(
    client: FlaskClient, model: ModelServer, answer: tuple[int, dict[str, str], Any], status: int
) -> None:
    model.answers = good_after(answer)
    response = ask(client)
    assert response.status_code == status
    assert response.json["success"] is False
    assert "sk-" not in response.text
    assert len(model.calls) == 1
    assert ask(client).json["metadata"]["cache_hit"] == 0
    assert len(model.calls) == 2


def test_a_model_that_takes_too_long_is_a_504_asked_once(make_app: Callable[..., Flask], model: ModelServer) -> None:
    client = make_app(model={"timeout": 0.3}).test_client()
    model.delay = 3
    response = ask(client)
    assert response.status_code == 504
    assert len(model.calls) == 1


def test_a_service_that_cannot_be_reached_is_a_502() -> None:
    pauses: list[float] = []
    settings = ModelSettings(api_key="sk-test-only", base_url=f"http://127.0.0.1:{free_port()}/v1", retries=3)
    client = ModelClient(settings, sleep=pauses.append, jitter=lambda: 0.5)
    with pytest.raises(ModelUnreachable):
        client.ask(SourceText.of(SOURCE), "python", 20)
    assert pauses == [0.5, 1.0, 2.0]


def test_a_pause_that_would_outlast_the_time_is_not_begun(model: ModelServer) -> None:
    model.answers = lambda number: failure(429, "busy", **{"Retry-After": "60"})
    pauses: list[float] = []
    client = ModelClient(ModelSettings(api_key="sk-test-only", base_url=model.url), sleep=pauses.append)
    with pytest.raises(ModelOverloaded):
        client.ask(SourceText.of(SOURCE), "python", 20)
    assert (pauses, len(model.calls)) == ([], 1)


def test_tokens_of_a_useless_answer_are_counted_too(client: FlaskClient, model: ModelServer) -> None:
    model.answers = lambda number: (200, {}, reply("nonsense"))
    ask(client)
    stats = client.get("/api/iris/stats", headers={"x-api-key": "test-key-1"}).json
    assert (stats["input_tokens"], stats["output_tokens"], stats["model_failures"]) == (3562, 270, 1)
    assert stats["spent_usd"] == 0.0002861


def test_without_a_key_nothing_is_analysed(make_app: Callable[..., Flask], model: ModelServer) -> None:
    client = make_app(model={"api_key": None}).test_client()
    assert ask(client).status_code == 503
    health = client.get("/api/iris/health")
    assert health.status_code == 503
    assert (health.json["status"], health.json["agent"], health.json["agent_ready"]) == ("unhealthy", "no key", False)
    assert not model.calls


def test_health_tells_of_a_refused_key_until_it_is_accepted_again(client: FlaskClient, model: ModelServer) -> None:
    model.answers = good_after(failure(401, "invalid_api_key"))
    assert client.get("/api/iris/health").status_code == 200
    ask(client)
    health = client.get("/api/iris/health")
    assert (health.status_code, health.json["agent"], health.json["agent_error"]) == (503, "key refused", True)
    ask(client)
    assert client.get("/api/iris/health").status_code == 200


def test_the_openai_package_is_not_loaded_before_a_model_is_needed() -> None:
    """It costs 40 MB a worker; one that only serves hits does without."""
    program = "import sys, src.application; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=BACKEND, check=False).returncode == 0
