"""Threads of one's own: results, errors, and no more at once than allowed."""

from __future__ import annotations

import asyncio
import threading

import pytest

from iris_migrate.connections.threads import Threads


async def test_results_and_errors_come_back() -> None:
    threads = Threads("t", 2)
    assert await threads.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)
    assert await threads.run(lambda: 8) == 8


async def test_no_more_than_allowed_work_at_once() -> None:
    threads, lock, now, most = Threads("t", 3), threading.Lock(), 0, 0
    full = threading.Event()

    def work() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            if now == 3:
                full.set()
        assert full.wait(20)
        with lock:
            now -= 1

    await asyncio.gather(*(threads.run(work) for _ in range(20)))
    assert most == 3


async def test_work_that_was_given_up_before_it_began_is_not_done() -> None:
    threads, go, done = Threads("t", 1), threading.Event(), []
    first = asyncio.create_task(threads.run(lambda: go.wait(20)))
    second = asyncio.create_task(threads.run(lambda: done.append(2)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    go.set()
    await first
    assert await threads.run(lambda: list(done)) == []
