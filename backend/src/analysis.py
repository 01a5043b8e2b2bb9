"""From a request to an answer: the front, the store, another request's flight, and only then the model."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass

from . import prompt
from .admission import Admission
from .answers import Answer, for_blank_file, from_text, new_text
from .board import Board
from .cache.answer_cache import AnswerCache
from .cache.front import Front
from .configuration import ModelSettings
from .contract import Asked, ResponsibilityBlock
from .errors import IrisError, ModelKeyRefused, ModelNonsense, ModelTooFewBlocks, NoModelKey
from .flights import Flights
from .model_client import ModelCall, ModelClient
from .ranges import settle
from .source_text import SourceText

log = logging.getLogger("iris")

_PIECE = 2047  # hashlib lets other threads in for longer ones, which costs more than it brings
_MARGIN = 10.0  # seconds beyond the model's limit until a waiting request gives up


@dataclass(frozen=True)
class Outcome:
    """An answer and where it came from: front, store, shared, model or blank."""

    answer: Answer
    origin: str

    @property
    def paid(self) -> bool:
        """This request caused the answer, so it is no cache hit."""
        return self.origin in {"model", "blank"}


class Analysis:
    """All that is needed to answer one request."""

    def __init__(
        self,
        model: ModelClient,
        settings: ModelSettings,
        cache: AnswerCache,
        front: Front,
        flights: Flights[Answer],
        admission: Admission,
        board: Board,
    ) -> None:
        self._model = model
        self._settings = settings
        self._cache = cache
        self._front = front
        self._flights = flights
        self._admission = admission
        self._board = board

    def answer(self, request: Asked) -> Outcome:
        """The answer for this source, paid for at most once."""
        asked = _digest(request.language, request.source_code)
        answer = self._front.get(asked, time.time())
        if answer is not None:
            return self._hit(answer, "front")
        source = SourceText.of(request.source_code)
        if source.blank:
            self._board.add(requests=1, blanks=1)
            return Outcome(for_blank_file(len(source.lines)), "blank")
        key = self._key(source, request.language)
        answer = self._cache.find(key)
        outcome = self._hit(answer, "store") if answer else self._missed(key, source, request.language)
        self._front.put(asked, outcome.answer)
        return outcome

    def _key(self, source: SourceText, language: str) -> str:
        """Everything the answer depends on, so that a change of any of it is a new question."""
        return _digest(language, source.text, self._settings.name, self._settings.effort, prompt.VERSION)

    def _hit(self, answer: Answer, origin: str) -> Outcome:
        self._board.add(requests=1, hits=1, saved_nano=answer.cost_nano)
        return Outcome(answer, origin)

    def _missed(self, key: str, source: SourceText, language: str) -> Outcome:
        if self._settings.api_key is None:
            raise NoModelKey
        deadline = time.monotonic() + self._settings.timeout + _MARGIN
        with self._admission.place():
            answer, flew = self._flights.get(
                key,
                look=lambda: self._cache.find(key),
                fly=lambda: self._call(key, source, language, deadline),
                patience=self._settings.timeout + _MARGIN,
            )
        if flew:
            self._board.add(requests=1, misses=1)
            return Outcome(answer, "model")
        self._board.add(requests=1, shared=1, saved_nano=answer.cost_nano)
        return Outcome(answer, "shared")

    def _call(self, key: str, source: SourceText, language: str, deadline: float) -> Answer:
        with self._admission.model_call(self._settings.timeout / 5):
            seconds = min(self._settings.timeout, deadline - time.monotonic())
            try:
                call = self._model.ask(source, language, seconds)
            except IrisError as error:
                self._note_failure(error)
                raise
        return self._keep(key, call, source)

    def _keep(self, key: str, call: ModelCall, source: SourceText) -> Answer:
        """Account for the call, then keep a usable reply; an unusable one is paid for and forgotten."""
        settings = self._settings
        nano = round((call.input_tokens * settings.input_price + call.output_tokens * settings.output_price) * 1000)
        self._board.add(
            model_calls=1, input_tokens=call.input_tokens, output_tokens=call.output_tokens, spent_nano=nano
        )
        self._board.stamp("model_ok")
        try:
            if call.reply is None:
                raise call.error or ModelNonsense()
            intent, blocks = shaped(call.reply, len(source.lines))
        except IrisError as error:
            self._note_failure(error)
            raise
        text = new_text(intent, blocks, (call.input_tokens, call.output_tokens), nano, time.time())
        answer = from_text(text)
        if answer is None:
            raise ModelNonsense
        self._cache.keep(key, text)
        return answer

    def _note_failure(self, error: IrisError) -> None:
        self._board.add(model_failures=1)
        if isinstance(error, ModelKeyRefused):
            self._board.stamp("model_key_refused")
        log.warning("model: %s", type(error).__name__)


def shaped(reply: prompt.ModelReply, line_count: int) -> tuple[str, list[ResponsibilityBlock]]:
    """The reply as the client may see it: one line of intent, and blocks that share no line."""
    intent = " ".join(reply.file_intent.split())
    if not intent:
        raise ModelNonsense
    named = [block for block in reply.responsibility_blocks if block.label.strip()]
    blocks = [
        ResponsibilityBlock(label=block.label.strip(), description=block.description.strip(), ranges=ranges)
        for block, ranges in settle(named, line_count)
    ]
    if not blocks:
        raise ModelTooFewBlocks
    return intent, blocks


def _digest(*parts: str) -> str:
    """One key for several texts; the separator is sized so that no two lists of parts look alike."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big"))
        for start in range(0, len(raw), _PIECE):
            digest.update(raw[start : start + _PIECE])
    return digest.hexdigest()
