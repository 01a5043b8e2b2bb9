"""A model server, an application on it, and a client: one of each for every test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from model_server import ModelServer
from service import Service
from src.application import create_app
from src.configuration import AccessSettings, CacheSettings, ModelSettings, Settings

KEY = "test-key-1"
SOURCE = "def add(a, b):\n    return a + b\n\n# the end"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, model: ModelServer) -> Settings:
    return Settings(
        model=ModelSettings(api_key="sk-test-only", base_url=model.url, timeout=20),
        cache=CacheSettings(directory=tmp_path / "cache"),
        access=AccessSettings(keys=(KEY, "test-key-2"), key_limit="100000/minute", address_limit="100000/minute"),
    )


@pytest.fixture
def make_app(settings: Settings) -> Callable[..., Flask]:
    """An application whose parts of the settings are changed by name: `make_app(model={"retries": 0})`."""

    def make(**changes: dict[str, Any]) -> Flask:
        changed = {part: replace(getattr(settings, part), **fields) for part, fields in changes.items()}
        return create_app(replace(settings, **changed))

    return make


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app().test_client()


@pytest.fixture
def service(tmp_path: Path, model: ModelServer) -> Iterator[Callable[..., Service]]:
    """Start the real service: `service(IRIS_WORKERS="1")`. All that were started are ended."""
    started: list[Service] = []

    def start(**changes: str) -> Service:
        one = Service(tmp_path, model.url, **changes)
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.stop()


def ask(client: FlaskClient, source: str = SOURCE, key: str | None = KEY, **fields: Any) -> Any:
    """POST one source; fields given here replace or extend the body."""
    body = {"filename": "a.py", "language": "python", "source_code": source, **fields}
    headers = {} if key is None else {"x-api-key": key}
    return client.post("/api/iris/analyze", data=json.dumps(body), content_type="application/json", headers=headers)
