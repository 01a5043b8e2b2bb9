"""The truth about this service: 503 when it cannot do its job. Looking changes nothing."""

from __future__ import annotations

import importlib.util
from typing import Any

from .board import Board
from .cache.answer_cache import AnswerCache, CacheState
from .configuration import VERSION, Settings


class Health:
    """What the health route answers."""

    def __init__(self, settings: Settings, cache: AnswerCache, board: Board) -> None:
        self._settings = settings
        self._cache = cache
        self._board = board
        self._client_installed = importlib.util.find_spec("openai") is not None

    def report(self) -> tuple[dict[str, Any], int]:
        """The body and its status: the plan's keys, the old service's keys, and the reasons when it is not well."""
        cache = self._cache.state()
        agent = self._agent()
        problems = self._problems(cache, agent)
        body: dict[str, Any] = {
            "status": "unhealthy" if problems else "healthy",
            "agent": agent,
            "agent_ready": agent == "ready",
            "agent_error": agent != "ready",
            "problems": problems,
            "version": VERSION,
            "cache": {
                "directory": cache.place,
                "writable": cache.writable,
                "entries": cache.entries,
                "bytes": cache.bytes,
            },
        }
        if self._settings.commit:
            body["commit"] = self._settings.commit
        return body, 503 if problems else 200

    def _agent(self) -> str:
        """Ready until the model service refuses the key; one answer later it is ready again."""
        if not self._client_installed:
            return "not installed"
        if self._settings.model.api_key is None:
            return "no key"
        if self._board.later("model_key_refused", "model_ok"):
            return "key refused"
        return "ready"

    def _problems(self, cache: CacheState, agent: str) -> list[str]:
        problems = []
        match agent:
            case "no key":
                problems.append("OPENAI_API_KEY is not set")
            case "key refused":
                problems.append("the model service refused the OPENAI_API_KEY or its quota is used up")
            case "not installed":
                problems.append("the openai package is not installed")
        if not cache.writable:
            problems.append("the last write to the cache failed")
        if self._settings.access.closed:
            problems.append("IRIS_API_KEY is not set, so requests from outside are refused")
        return problems
