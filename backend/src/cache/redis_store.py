"""Answers in a Redis that several hosts share, and the locks that make a flight single among them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import redis

from ..board import Board
from .store import RefusedEntry, StoreFault, Usage

_ANSWER = "iris:answer:"
_STORED = "iris:stored"  # a sorted set: key by the time it was stored
_OPENED = "iris:opened"
_LOCK = "iris:flight:"
_LOCK_MS = 6000  # how long other hosts wait after a whole host died
_PATIENCE = 0.5

# Only the holder may give a lock back or keep it alive.
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
_RENEW = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"

Result = TypeVar("Result")


class RedisStore:
    """A `Store` in Redis. Its size is Redis' own matter (`maxmemory` with an eviction policy)."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._place = f"{parts.scheme}://{parts.hostname or ''}:{parts.port or 6379}{parts.path}"
        self._redis: Any = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE
        )

    @property
    def place(self) -> str:
        """The address without user and password."""
        return self._place

    def open(self) -> None:
        """Write the time, so that it is known whether Redis takes anything."""
        self._try(lambda: self._redis.set(_OPENED, str(time.time())))

    def get(self, key: str) -> str | None:
        """The text; Redis lets go of what is too old."""
        text: str | None = self._try(lambda: self._redis.get(_ANSWER + key))
        return text

    def put(self, key: str, text: str, seconds: float) -> None:
        """The text and its place in the list of what is stored, in one transaction."""
        now = time.time()

        def write() -> None:
            with self._redis.pipeline(transaction=True) as together:
                together.set(_ANSWER + key, text, px=max(1, int(seconds * 1000)))
                together.zadd(_STORED, {key: now})
                together.zremrangebyscore(_STORED, "-inf", now - seconds)
                together.execute()

        self._try(write)

    def usage(self) -> Usage:
        """Entries; Redis does not tell the bytes of a part of it cheaply."""
        return Usage(int(self._try(lambda: self._redis.zcard(_STORED))), None)

    def oldest(self) -> float | None:
        """When the entry stored first was stored."""
        found = self._try(lambda: self._redis.zrange(_STORED, 0, 0, withscores=True))
        return float(found[0][1]) if found else None

    def locks(self, board: Board) -> RedisLocks:
        """Locks between the workers of all hosts."""
        return RedisLocks(self._redis, board)

    def _try(self, action: Callable[[], Result]) -> Result:
        try:
            return action()
        except UnicodeDecodeError as error:
            raise RefusedEntry from error
        except redis.ResponseError as error:
            if str(error).startswith("WRONGTYPE"):
                raise RefusedEntry from error
            raise StoreFault(type(error).__name__) from error
        except (redis.RedisError, OSError) as error:
            raise StoreFault(type(error).__name__) from error


class RedisLocks:
    """First the lock of this host, then the lock among hosts, kept alive while it is held.

    Whoever holds the host's lock and finds the host's own name in Redis has outlived a killed worker and goes on at
    once. Without Redis the host's lock is all there is.
    """

    def __init__(self, client: Any, board: Board) -> None:
        self._redis = client
        self._board = board
        self._host = board.identity
        self._held: dict[str, threading.Event] = {}

    def try_lock(self, key: str) -> bool:
        """Both locks, or none."""
        if not self._board.try_lock(key):
            return False
        try:
            name = _LOCK + key
            mine = self._redis.set(name, self._host, nx=True, px=_LOCK_MS) or self._redis.get(name) == self._host
        except (redis.RedisError, OSError):
            return True
        if not mine:
            self._board.unlock(key)
            return False
        released = self._held[key] = threading.Event()
        threading.Thread(target=self._keep_alive, args=(key, released), daemon=True).start()
        return True

    def unlock(self, key: str) -> None:
        """Give both back, the outer one first."""
        released = self._held.pop(key, None)
        if released is not None:
            released.set()
            with suppress(redis.RedisError, OSError):  # else it ends by itself after _LOCK_MS
                self._redis.eval(_RELEASE, 1, _LOCK + key, self._host)
        self._board.unlock(key)

    def _keep_alive(self, key: str, released: threading.Event) -> None:
        while not released.wait(_LOCK_MS / 3000):
            with suppress(redis.RedisError, OSError):
                self._redis.eval(_RENEW, 1, _LOCK + key, self._host, _LOCK_MS)
