"""Rate limits by address and by key, counted over all workers: on the board, or in Redis for several hosts.

With the library `limits` itself: its wrapper Flask-Limiter costs more on a cache hit than all the rest together.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Callable
from typing import TypeVar

from flask import Request
from limits import RateLimitItem, parse
from limits.storage import RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from .board import Board
from .configuration import ConfigurationError, Settings
from .errors import TooMany

log = logging.getLogger("iris")

_PAUSE = 2.0  # seconds without asking Redis after it failed

Result = TypeVar("Result")


class BoardStorage(Storage):
    """The `limits` storage on the shared board, as the library has none that processes share without a server.

    With `redis` that comes first; while it fails, the workers of this host count together on the board.
    """

    STORAGE_SCHEME = ["board"]  # noqa: RUF012 - the library's own declaration

    def __init__(
        self, uri: str | None = None, wrap_exceptions: bool = False, *, board: Board, redis: Storage | None = None
    ) -> None:
        super().__init__(uri, wrap_exceptions)
        self._board = board
        self._redis = redis
        self._quiet_until = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        return OSError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._either(
            lambda redis: redis.incr(key, expiry, amount), lambda: self._board.raise_slot(key, amount, expiry)
        )

    def get(self, key: str) -> int:
        return self._either(lambda redis: redis.get(key), lambda: self._board.read_slot(key)[0])

    def get_expiry(self, key: str) -> float:
        return self._either(lambda redis: redis.get_expiry(key), lambda: time.time() + self._board.read_slot(key)[1])

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        self._board.clear_slots()
        return None

    def clear(self, key: str) -> None:
        self._board.put_slot(key, 0, 0)

    def _either(self, shared: Callable[[Storage], Result], local: Callable[[], Result]) -> Result:
        if self._redis is not None and time.monotonic() >= self._quiet_until:
            try:
                return shared(self._redis)
            except self._redis.base_exceptions as error:
                self._quiet_until = time.monotonic() + _PAUSE
                log.warning("limits: Redis failed (%s); this host counts for itself", type(error).__name__)
        return local()


class Limits:
    """The two limits, asked by the views that cost something."""

    def __init__(self, settings: Settings, board: Board) -> None:
        storage = BoardStorage(board=board, redis=_redis_storage(settings.cache.url))
        self._limiter = FixedWindowRateLimiter(storage)
        self._by_address = _parsed("IRIS_ADDRESS_LIMIT", settings.access.address_limit)
        self._by_key = _parsed("IRIS_KEY_LIMIT", settings.access.key_limit)

    def check(self, request: Request) -> None:
        """Count by address first: an address cannot be made up, so guessed keys do not fill the store."""
        self._hit(self._by_address, "address", request.remote_addr or "unknown")
        key = request.headers.get("x-api-key")
        if key:
            self._hit(self._by_key, "key", _claimed(key))

    def _hit(self, limit: RateLimitItem, kind: str, who: str) -> None:
        if not self._limiter.hit(limit, kind, who):
            ends = self._limiter.get_window_stats(limit, kind, who).reset_time
            raise TooMany(retry_after=max(1, math.ceil(ends - time.time())))


def _parsed(name: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigurationError(f"{name} must read like 120 per minute.") from error


def _redis_storage(url: str | None) -> Storage | None:
    if url is None:
        return None
    return RedisStorage(url, socket_timeout=0.5, socket_connect_timeout=0.5)


def _claimed(key: str) -> str:
    """A digest, so that no key reaches the store."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
