"""The one structured-output call to the model. Retries only what the model service did not work on."""

from __future__ import annotations

import gc
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from .configuration import ModelSettings
from .errors import (
    IrisError,
    ModelDeclined,
    ModelFailed,
    ModelKeyRefused,
    ModelNonsense,
    ModelOverloaded,
    ModelTimedOut,
    ModelUnreachable,
    NoModelKey,
)
from .prompt import ModelReply, instructions_for, question_about
from .source_text import SourceText

if TYPE_CHECKING:
    import openai

_FIRST_PAUSE = 0.5


@dataclass(frozen=True)
class ModelCall:
    """What came of a call that the service answered: it is paid for, whether the reply is usable or not."""

    input_tokens: int
    output_tokens: int
    reply: ModelReply | None = None
    error: IrisError | None = None


class ModelClient:
    """The official client, imported at the first call only: it costs 40 MB and half a second."""

    def __init__(
        self,
        settings: ModelSettings,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._jitter = jitter
        self._making = threading.Lock()
        self._made: openai.OpenAI | None = None

    def ask(self, source: SourceText, language: str, seconds: float) -> ModelCall:
        """Ask about one source within `seconds`; raises an `IrisError` when nothing was answered."""
        deadline = time.monotonic() + seconds
        for attempt in range(self._settings.retries + 1):
            try:
                return self._once(source, language, deadline - time.monotonic())
            except _Retryable as failure:
                pause = failure.wait or _FIRST_PAUSE * 2**attempt * (0.5 + self._jitter())
                if attempt == self._settings.retries or time.monotonic() + pause >= deadline:
                    raise failure.error from failure.__cause__
                self._sleep(pause)
        raise ModelUnreachable

    def _once(self, source: SourceText, language: str, seconds: float) -> ModelCall:
        client = self._client()
        import openai

        effort: Any = {"effort": self._settings.effort}  # newer models know efforts that this client does not name
        try:
            answer = client.responses.with_raw_response.parse(
                model=self._settings.name,
                instructions=instructions_for(source),
                input=question_about(source, language),
                text_format=ModelReply,
                reasoning=effort,
                max_output_tokens=self._settings.max_output_tokens,
                store=False,
                timeout=max(seconds, 0.001),
            )
        except openai.APITimeoutError as error:
            if _never_connected(error):
                raise _Retryable(ModelUnreachable()) from None
            raise ModelTimedOut from None
        except openai.APIConnectionError as error:
            if _never_connected(error):
                raise _Retryable(ModelUnreachable()) from None
            raise ModelUnreachable from None
        except openai.APIStatusError as error:
            raise _status_failure(error) from None
        except openai.OpenAIError:
            raise ModelFailed from None
        return _judged(answer)

    def _client(self) -> openai.OpenAI:
        if self._settings.api_key is None:
            raise NoModelKey
        with self._making:
            if self._made is None:
                import openai

                self._made = openai.OpenAI(
                    api_key=self._settings.api_key, base_url=self._settings.base_url, max_retries=0
                )
                _ = self._made.responses  # the package loads most of itself here
                gc.freeze()  # 100,000 objects that stay: going through them held every thread for 60 ms
            return self._made


class _Retryable(Exception):
    """A failure before the service began to work, so that a second try is not paid twice."""

    def __init__(self, error: IrisError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


def _never_connected(error: BaseException) -> bool:
    cause = error.__cause__
    return cause is not None and type(cause).__name__ in {"ConnectError", "ConnectTimeout", "PoolTimeout"}


def _status_failure(error: openai.APIStatusError) -> Exception:
    """What a status of the model service means here; its own words may quote a key and are not passed on."""
    if error.status_code in {401, 403} or error.code in {"insufficient_quota", "billing_hard_limit_reached"}:
        return ModelKeyRefused()
    if error.status_code in {429, 503}:
        return _Retryable(ModelOverloaded(), _retry_after(error.response.headers.get("retry-after")))
    if error.status_code in {408, 504}:
        return ModelTimedOut()
    return ModelFailed()


def _retry_after(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


def _judged(answer: Any) -> ModelCall:
    """Tokens first, from the bare answer: they are paid even when the reply is of no use."""
    try:
        usage = answer.http_response.json().get("usage") or {}
        tokens = int(usage.get("input_tokens") or 0), int(usage.get("output_tokens") or 0)
    except (ValueError, AttributeError, TypeError):
        return ModelCall(0, 0, error=ModelNonsense())
    try:
        response = answer.parse()
        if _declined(response):
            return ModelCall(*tokens, error=ModelDeclined())
        reply = response.output_parsed
    except (ValidationError, ValueError, TypeError, AttributeError):
        return ModelCall(*tokens, error=ModelNonsense())
    if response.status not in {None, "completed"} or not isinstance(reply, ModelReply):
        return ModelCall(*tokens, error=ModelNonsense())
    return ModelCall(*tokens, reply=reply)


def _declined(response: Any) -> bool:
    return any(
        getattr(part, "type", "") == "refusal"
        for item in response.output or []
        if getattr(item, "type", "") == "message"
        for part in item.content or []
    )
