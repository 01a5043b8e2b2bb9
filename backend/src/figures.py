"""Hits, tokens and money since the service started, as JSON for people and as text for Prometheus."""

from __future__ import annotations

import datetime
from typing import Any

from .board import Board
from .cache.answer_cache import AnswerCache
from .configuration import VERSION

_METRICS = (
    ("hits", "iris_cache_hits_total", "Requests answered from the cache."),
    ("shared", "iris_shared_answers_total", "Requests answered by another request's model call."),
    ("misses", "iris_cache_misses_total", "Requests that made a model call."),
    ("blanks", "iris_blank_files_total", "Requests for a blank file, answered for nothing."),
    ("model_calls", "iris_model_calls_total", "Model calls that were answered."),
    ("model_failures", "iris_model_failures_total", "Model calls that failed or gave nothing usable."),
    ("input_tokens", "iris_model_input_tokens_total", "Tokens sent to the model."),
    ("output_tokens", "iris_model_output_tokens_total", "Tokens received from the model."),
    ("cache_faults", "iris_cache_faults_total", "Reads and writes that the cache failed."),
    ("cache_refused", "iris_cache_refused_total", "Cache entries refused because they were not text of ours."),
)


class Figures:
    """Read from the board, so that all workers tell the same."""

    def __init__(self, board: Board, cache: AnswerCache) -> None:
        self._board = board
        self._cache = cache

    def stats(self) -> dict[str, Any]:
        """For the operator; a shared answer is one that cost nothing, so its price counts as saved."""
        counters = self._board.counters()
        state = self._cache.state()
        return {
            "success": True,
            "version": VERSION,
            "process_start": _moment(self._board.started),
            "requests": counters["requests"],
            "hits": counters["hits"],
            "shared": counters["shared"],
            "misses": counters["misses"],
            "blank_files": counters["blanks"],
            "model_calls": counters["model_calls"],
            "model_failures": counters["model_failures"],
            "input_tokens": counters["input_tokens"],
            "output_tokens": counters["output_tokens"],
            "spent_usd": counters["spent_nano"] / 1e9,
            "saved_usd": counters["saved_nano"] / 1e9,
            "cache": {
                "entries": state.entries,
                "bytes": state.bytes,
                "oldest_entry": _moment(self._cache.oldest()),
                "faults": counters["cache_faults"],
                "refused": counters["cache_refused"],
            },
        }

    def metrics(self) -> str:
        """Prometheus text, format 0.0.4."""
        counters = self._board.counters()
        lines = []
        for counter, name, meaning in _METRICS:
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} counter", f"{name} {counters[counter]}"]
        for counter, name in (("spent_nano", "iris_spent_usd_total"), ("saved_nano", "iris_saved_usd_total")):
            lines += [f"# TYPE {name} counter", f"{name} {counters[counter] / 1e9:.9f}"]
        state = self._cache.state()
        for gauge, value in (
            ("iris_cache_entries", state.entries),
            ("iris_cache_bytes", state.bytes),
            ("iris_cache_writable", int(state.writable)),
            ("iris_start_time_seconds", self._board.started),
        ):
            if value is not None:
                lines += [f"# TYPE {gauge} gauge", f"{gauge} {value}"]
        return "\n".join(lines) + "\n"


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")
