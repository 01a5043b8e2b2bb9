"""The service against its own description: schemathesis makes the requests, good ones and bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from conftest import KEY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_server import ModelServer
from schemathesis import GenerationMode
from src.application import create_app
from src.configuration import AccessSettings, CacheSettings, ModelSettings, Settings

OPERATIONS = [("/api/iris/analyze", "POST"), ("/api/iris/health", "GET"), ("/api/iris/stats", "GET")]


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with ModelServer() as model:
        app = create_app(
            Settings(
                model=ModelSettings(api_key="sk-test-only", base_url=model.url),
                cache=CacheSettings(directory=tmp_path_factory.mktemp("cache")),
                access=AccessSettings(keys=(KEY,), key_limit="1000000/minute", address_limit="1000000/minute"),
            )
        )
        yield schemathesis.openapi.from_wsgi("/api/iris/openapi.json", app)


@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [
        (*operation, mode)
        for operation in OPERATIONS
        for mode in GenerationMode
        if operation[0] != "/api/iris/health" or mode is GenerationMode.POSITIVE  # it takes nothing that could be wrong
    ],
)
def test_every_answer_is_as_described(description: Any, path: str, method: str, mode: GenerationMode) -> None:
    operation = description[path][method]
    answered: list[int] = []

    @given(st.data())
    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        answered.append(case.call_and_validate(headers={"x-api-key": KEY}).status_code)

    ask()
    assert answered
    if mode is GenerationMode.POSITIVE:
        assert 200 in answered


def test_the_description_names_every_public_path(tmp_path: Path) -> None:
    client = create_app(Settings(cache=CacheSettings(directory=tmp_path))).test_client()
    served = {rule.rule for rule in client.application.url_map.iter_rules()}
    described = set(client.get("/api/iris/openapi.json").json["paths"])
    assert served - described == {"/metrics", "/api/iris/openapi.json"}
    assert described == {path for path, _ in OPERATIONS}
