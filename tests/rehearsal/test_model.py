"""The stand-in model, asked by the official client and by the backend's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import openai
import pytest
from pydantic import BaseModel

from iris_migrate.rehearsal.clock import PracticeClock
from iris_migrate.rehearsal.control import ControlError
from iris_migrate.rehearsal.model import ModelServer
from iris_migrate.rehearsal.serving import Serving
from tests.rehearsal import REPOSITORY

SOURCE = "\n".join(
    f"{number} | {line}"
    for number, line in enumerate(
        [
            "import os",
            "",
            "class Greeter:",
            "    def greet(self):",
            "        return 'hi'",
            "",
            "def main():",
            "    pass",
        ],
        1,
    )
)


class Part(BaseModel):
    label: str
    description: str
    ranges: list[list[int]]


class Reply(BaseModel):
    file_intent: str
    responsibility_blocks: list[Part]


@pytest.fixture
def model() -> ModelServer:
    return ModelServer("sk-practice-test", PracticeClock())


@pytest.fixture
def served(model: ModelServer) -> Iterator[str]:
    serving = Serving(model).start("test-model")
    yield f"{serving.url}/v1"
    serving.stop()


def client(address: str, key: str = "sk-practice-test") -> openai.OpenAI:
    return openai.OpenAI(api_key=key, base_url=address, max_retries=0, timeout=5)


def test_the_official_client_parses_structured_output(model: ModelServer, served: str) -> None:
    answer = client(served).responses.parse(model="gpt-5-nano", instructions="Read.", input=SOURCE, text_format=Reply)
    reply = answer.output_parsed
    assert isinstance(reply, Reply)
    assert [part.ranges for part in reply.responsibility_blocks] == [[[1, 1]], [[3, 5]], [[7, 8]]]
    assert "Greeter" in reply.responsibility_blocks[1].label
    assert answer.usage is not None
    assert answer.usage.input_tokens > len(SOURCE) // 5
    assert model.shown()["answered"] == 1


def test_plain_text_is_answered_too(served: str) -> None:
    answer = client(served).responses.create(model="gpt-5-nano", input=[{"role": "user", "content": "Hello"}])
    assert answer.output_text


def test_failures_come_as_often_as_told_and_are_counted(model: ModelServer, served: str) -> None:
    model.change({"fail": {"status": 429, "times": 1, "retry_after": 0.5}})
    with pytest.raises(openai.RateLimitError) as limited:
        client(served).responses.create(model="m", input="x")
    assert limited.value.response.headers["retry-after"] == "0.5"
    assert client(served).responses.create(model="m", input="x").status == "completed"
    with pytest.raises(openai.AuthenticationError):
        client(served, "sk-wrong").responses.create(model="m", input="x")
    assert model.shown()["by_status"] == {200: 1, 401: 1, 429: 1}


def test_a_slow_model_runs_into_the_clients_time_limit(model: ModelServer, served: str) -> None:
    model.change({"delay_ms": 2000})
    with pytest.raises(openai.APITimeoutError):
        client(served).with_options(timeout=0.2).responses.create(model="m", input="x")


@pytest.mark.parametrize("body", [{}, {"speed": 1}, {"delay_ms": "long"}, {"fail": {"times": 2}}])
def test_what_is_no_delay_or_failure_is_refused(model: ModelServer, body: dict[str, object]) -> None:
    with pytest.raises(ControlError):
        model.change(body)


def test_the_backends_own_client_gets_an_answer_that_it_keeps(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY / "backend"))
    for name in [name for name in sys.modules if name == "src" or name.startswith("src.")]:
        monkeypatch.delitem(sys.modules, name)
    from src.configuration import ModelSettings  # type: ignore[import-not-found]
    from src.model_client import ModelClient  # type: ignore[import-not-found]
    from src.source_text import SourceText  # type: ignore[import-not-found]

    settings = ModelSettings(api_key="sk-practice-test", base_url=served)
    call = ModelClient(settings).ask(SourceText.of(SOURCE), "python", 5)
    for name in [name for name in sys.modules if name == "src" or name.startswith("src.")]:
        monkeypatch.delitem(sys.modules, name)
    assert call.error is None
    assert call.input_tokens > 0
    assert [block.ranges for block in call.reply.responsibility_blocks] == [[[1, 1]], [[3, 5]], [[7, 8]]]
