"""Threads of one's own for calls that block: daemons, so that a hanging connection never holds the program's end."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Threads:
    """At most `size` threads, started when there is work. asyncio's default pool is joined at the end; this is not."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = self._busy = 0

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, done in a thread. Cancelling stops the waiting; what has begun goes on unheard."""
        future: Future[T] = Future()
        with self._lock:
            self._busy += 1
            if self._busy > self._started < self._size:
                self._started += 1
                threading.Thread(target=self._serve, name=f"{self._name}-{self._started}", daemon=True).start()
        self._work.put((future, work))
        return await asyncio.wrap_future(future)

    def _serve(self) -> None:
        while True:
            future, work = self._work.get()
            try:
                if future.set_running_or_notify_cancel():
                    self._settle(future, work)
            finally:
                with self._lock:
                    self._busy -= 1
                del future, work

    @staticmethod
    def _settle(future: Future[T], work: Callable[[], T]) -> None:
        try:
            result = work()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
