"""Whatever is not the contract's shape is a 400 that names the field, before any model call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import KEY, SOURCE
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from model_server import ModelServer

GOOD = {"filename": "a.py", "language": "python", "source_code": SOURCE}
PATH = "/api/iris/analyze"
HEADERS = {"x-api-key": KEY}


def without(field: str) -> dict[str, str]:
    return {name: value for name, value in GOOD.items() if name != field}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"\xef\xbb\xbf{}", "JSON"),
        (b'{"filename": "\\ud800", "language": "python", "source_code": "x"}', "JSON"),
        (b"[" * 100_000, "JSON"),
        ([], "object"),
        ("text", "object"),
        (7, "object"),
        (None, "object"),
        ({}, "filename"),
        (without("filename"), "filename"),
        (without("language"), "language"),
        (without("source_code"), "source_code"),
        (GOOD | {"filename": 1}, "filename"),
        (GOOD | {"filename": None}, "filename"),
        (GOOD | {"language": "cobol"}, "language"),
        (GOOD | {"language": "Python"}, "language"),
        (GOOD | {"language": ["python"]}, "language"),
        (GOOD | {"source_code": 1}, "source_code"),
        (GOOD | {"source_code": ["x"]}, "source_code"),
        (GOOD | {"source_code": {"a": "b"}}, "source_code"),
        (GOOD | {"source_code": None}, "source_code"),
        (GOOD | {"metadata": None}, "metadata"),
        (GOOD | {"metadata": []}, "metadata"),
        (GOOD | {"metadata": "x"}, "metadata"),
        (json.dumps(GOOD)[:-1].encode() + b', "metadata": {"a": NaN}}', "metadata"),
        (json.dumps(GOOD)[:-1].encode() + b', "metadata": {"a": 1e999}}', "metadata"),
    ],
)
def test_the_sentence_names_what_is_wrong(client: FlaskClient, model: ModelServer, body: Any, named: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = client.post(PATH, data=raw, content_type="application/json", headers=HEADERS)
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["success"] is False
    assert named in response.json["error"]
    assert not model.calls


def test_the_sentence_never_quotes_the_source(client: FlaskClient) -> None:
    body = json.dumps(GOOD | {"source_code": ["password = hunter2"], "language": "hunter2"})
    response = client.post(PATH, data=body, content_type="application/json", headers=HEADERS)
    assert b"hunter2" not in response.data


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken(client: FlaskClient, model: ModelServer, content_type: str) -> None:
    response = client.post(PATH, data=json.dumps(GOOD), content_type=content_type, headers=HEADERS)
    assert response.status_code == 400
    assert "application/json" in response.json["error"]
    assert not model.calls


def test_a_body_over_the_limit_is_413(client: FlaskClient, model: ModelServer) -> None:
    body = json.dumps(GOOD | {"source_code": "x" * (1024 * 1024)})
    response = client.post(PATH, data=body, content_type="application/json", headers=HEADERS)
    assert response.status_code == 413
    assert response.json["success"] is False
    assert not model.calls


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", PATH, 405),
        ("OPTIONS", PATH, 405),
        ("PUT", "/api/iris/health", 405),
        ("GET", "/", 404),
        ("GET", "/x", 404),
    ],
)
def test_other_paths_and_methods_are_json_too(client: FlaskClient, method: str, path: str, status: int) -> None:
    response = client.open(path, method=method)
    assert response.status_code == status
    assert response.json["success"] is False
    assert response.json["error"]


def test_an_unexpected_fault_is_json_and_its_text_stays_here(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from src.analysis import Analysis

    def fail(*_: object) -> None:
        raise RuntimeError("hunter2")

    app = make_app()
    monkeypatch.setattr(Analysis, "answer", fail)
    response = app.test_client().post(PATH, json=GOOD, headers=HEADERS)
    assert response.status_code == 500
    assert response.json == {"success": False, "error": response.json["error"]}
    assert "hunter2" not in response.text + "".join(capfd.readouterr())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FlaskClient, ModelServer]]:
    """One application for all examples: a valid example may cost a model call, and the cache must not repeat it."""
    from src.application import create_app
    from src.configuration import AccessSettings, CacheSettings, ModelSettings, Settings

    with ModelServer() as model:
        settings = Settings(
            model=ModelSettings(api_key="sk-test-only", base_url=model.url),
            cache=CacheSettings(directory=tmp_path_factory.mktemp("cache")),
            access=AccessSettings(keys=(KEY,), key_limit="100000/minute", address_limit="100000/minute"),
        )
        yield create_app(settings).test_client(), model


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
nearly = st.fixed_dictionaries(
    {},
    optional={
        "filename": st.just("a.py") | anything,
        "language": st.sampled_from(["python", "javascript", "typescriptreact"]) | anything,
        "source_code": st.just(SOURCE) | st.text(st.characters(), max_size=30) | anything,
        "metadata": st.dictionaries(st.text(max_size=8), anything, max_size=3) | anything,
    },
)


def is_valid(body: Any) -> bool:
    """The contract, said a second time and in another way."""
    try:
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        return False
    return (
        isinstance(body, dict)
        and all(isinstance(body.get(name), str) for name in ("filename", "language", "source_code"))
        and body["language"] in {"python", "javascript", "typescript", "javascriptreact", "typescriptreact"}
        and isinstance(body.get("metadata", {}), dict)
    )


@given(body=nearly | anything)
@hypothesis_settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_json_is_never_a_500_nor_a_call_unless_it_is_valid(
    shared: tuple[FlaskClient, ModelServer], body: Any
) -> None:
    client, model = shared
    before = len(model.calls)
    response = client.post(PATH, data=json.dumps(body), content_type="application/json", headers=HEADERS)
    assert response.status_code == (200 if is_valid(body) else 400), (body, response.text)
    assert response.json["success"] is (response.status_code == 200)
    if response.status_code == 400:
        assert len(model.calls) == before
