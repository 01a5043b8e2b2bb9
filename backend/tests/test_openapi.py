"""The service against its own description: schemathesis makes the requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from conftest import KEY
from hypothesis import HealthCheck, settings
from model_server import ModelServer
from src.application import create_app
from src.configuration import AccessSettings, CacheSettings, ModelSettings, Settings


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with ModelServer() as model:
        app = create_app(
            Settings(
                model=ModelSettings(api_key="sk-test-only", base_url=model.url),
                cache=CacheSettings(directory=tmp_path_factory.mktemp("cache")),
                access=AccessSettings(keys=(KEY,), key_limit="1000000/minute", address_limit="1000000/minute"),
            )
        )
        yield schemathesis.openapi.from_wsgi("/api/iris/openapi.json", app)


schema = schemathesis.pytest.from_fixture("description")


@schema.parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: schemathesis.Case) -> None:
    case.call_and_validate(headers={"x-api-key": KEY})


def test_the_description_names_every_public_path(tmp_path: Path) -> None:
    client = create_app(Settings(cache=CacheSettings(directory=tmp_path))).test_client()
    served = {rule.rule for rule in client.application.url_map.iter_rules()}
    described = set(client.get("/api/iris/openapi.json").json["paths"])
    assert served - described == {"/metrics", "/api/iris/openapi.json"}
    assert described <= served
