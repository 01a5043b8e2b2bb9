"""Rate limits by address and by key, counted over all workers: on the board, or in Redis for several hosts.

The library `limits` reads the settings and counts in Redis; it has no storage that processes share without a server.
Its wrapper Flask-Limiter costs more on a cache hit than all the rest together.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Callable

from flask import Request
from limits import RateLimitItem, parse
from limits.storage import RedisStorage

from .board import Board, Window
from .configuration import ConfigurationError, Settings
from .errors import TooMany

log = logging.getLogger("iris")

_PAUSE = 2.0  # seconds without asking Redis after it failed
_PATIENCE = 0.5


class Limits:
    """The two limits, asked by the views that cost something."""

    def __init__(self, settings: Settings, board: Board) -> None:
        url = settings.cache.url
        self._count: Callable[[list[Window]], float | None] = SharedWindows(url, board).count if url else board.count
        self._by_address = _parsed("IRIS_ADDRESS_LIMIT", settings.access.address_limit)
        self._by_key = _parsed("IRIS_KEY_LIMIT", settings.access.key_limit)

    def check(self, request: Request) -> None:
        """Count by address first: an address cannot be made up, so guessed keys do not fill the board."""
        windows = [_window("address", request.remote_addr or "unknown", self._by_address)]
        key = request.headers.get("x-api-key")
        if key:
            windows.append(_window("key", _claimed(key), self._by_key))
        wait = self._count(windows)
        if wait is not None:
            raise TooMany(retry_after=max(1, math.ceil(wait)))


class SharedWindows:
    """The windows of several hosts, in Redis. While it fails, the workers of this host count on their board."""

    def __init__(self, url: str, board: Board) -> None:
        self._redis = RedisStorage(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)
        self._board = board
        self._quiet_until = 0.0

    def count(self, windows: list[Window]) -> float | None:
        """As the board does it."""
        if time.monotonic() < self._quiet_until:
            return self._board.count(windows)
        try:
            for window in windows:
                name = f"iris:limit:{window.key}"
                if self._redis.incr(name, int(window.seconds)) > window.amount:
                    return max(0.0, self._redis.get_expiry(name) - time.time())
        except self._redis.base_exceptions as error:
            self._quiet_until = time.monotonic() + _PAUSE
            log.warning("limits: Redis failed (%s); this host counts for itself", type(error).__name__)
            return self._board.count(windows)
        return None


def _parsed(name: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigurationError(f"{name} must read like 120 per minute.") from error


def _window(kind: str, who: str, limit: RateLimitItem) -> Window:
    return Window(f"{kind}:{who}", limit.amount, limit.get_expiry())


def _claimed(key: str) -> str:
    """A digest, so that no key reaches the store."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
