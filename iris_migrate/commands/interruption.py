"""Signals during a command: the first ends it in order, so that the record says "interrupted"; the second at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any

from iris_migrate.exits import INTERRUPTED, Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_interruptible(work: Coroutine[Any, Any, int]) -> int:
    """Run to the end. Raises Interrupted after a signal, when everything was closed."""
    return asyncio.run(_guarded(work))


async def _guarded(work: Coroutine[Any, Any, int]) -> int:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    heard: list[int] = []

    def end(number: int) -> None:
        heard.append(number)
        if len(heard) > 1:
            os._exit(INTERRUPTED)
        if task is not None:
            task.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, end, number)
    try:
        return await work
    except asyncio.CancelledError:
        if not heard:
            raise
        raise Interrupted("Interrupted. Start again to go on where it was.") from None
