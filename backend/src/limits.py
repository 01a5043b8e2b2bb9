"""Rate limits by address and by key, counted over all workers: on the board, or in Redis for several hosts."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Callable
from typing import TypeVar

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_remote_address
from limits.storage import RedisStorage, Storage

from .board import Board
from .configuration import Settings
from .errors import TooMany, error_response

log = logging.getLogger("iris")

_PAUSE = 2.0  # seconds without asking Redis after it failed

Result = TypeVar("Result")
View = Callable[[], ResponseReturnValue]


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
    """The two limits, as one decorator for the views that cost something."""

    def __init__(self, app: Flask, settings: Settings, board: Board) -> None:
        self._settings = settings.access
        options = {"board": board, "redis": _redis_storage(settings.cache.url)}
        self._limiter = Limiter(
            get_remote_address,
            app=app,
            storage_uri="board://",
            storage_options=options,  # type: ignore[arg-type]
            strategy="fixed-window",
            key_prefix="iris",
        )
        app.register_error_handler(RateLimitExceeded, self._exceeded)

    def guard(self, view: View) -> View:
        """Count by address first: that one cannot be made up, so guessed keys do not fill the store."""
        by_key = self._limiter.shared_limit(
            self._settings.key_limit, scope="key", key_func=_claimed_key, exempt_when=lambda: not _key_header()
        )
        by_address = self._limiter.shared_limit(
            self._settings.address_limit, scope="address", key_func=get_remote_address
        )
        guarded: View = by_address(by_key(view))
        return guarded

    def _exceeded(self, error: RateLimitExceeded) -> Response:
        current = self._limiter.current_limit
        wait = 1 if current is None else max(1, math.ceil(current.reset_at - time.time()))
        return error_response(TooMany(retry_after=wait))


def _redis_storage(url: str | None) -> Storage | None:
    if url is None:
        return None
    return RedisStorage(url, socket_timeout=0.5, socket_connect_timeout=0.5)


def _key_header() -> str:
    return request.headers.get("x-api-key", "")


def _claimed_key() -> str:
    """A digest, so that no key reaches the store."""
    return hashlib.sha256(_key_header().encode("utf-8", "surrogateescape")).hexdigest()[:32]
