"""The few hundred answers asked for last, in this process, ready to send."""

from __future__ import annotations

import threading
from collections import OrderedDict

from ..answers import Answer

_MAX_BYTES = 8 * 1024 * 1024


class Front:
    """Least recently used goes first; an answer older than the time to live is not given out."""

    def __init__(self, max_entries: int, ttl: float) -> None:
        self._max_entries = max_entries
        self._ttl = ttl
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str, now: float) -> Answer | None:
        """The answer, if it is here and still valid."""
        with self._lock:
            answer = self._answers.get(key)
            if answer is None:
                return None
            if now >= answer.stored + self._ttl:
                self._drop(key)
                return None
            self._answers.move_to_end(key)
            return answer

    def put(self, key: str, answer: Answer) -> None:
        """Keep it, and let go of the oldest until it fits."""
        with self._lock:
            self._drop(key)
            self._answers[key] = answer
            self._bytes += len(answer.head)
            while self._answers and (len(self._answers) > self._max_entries or self._bytes > _MAX_BYTES):
                self._drop(next(iter(self._answers)))

    def _drop(self, key: str) -> None:
        gone = self._answers.pop(key, None)
        if gone is not None:
            self._bytes -= len(gone.head)
