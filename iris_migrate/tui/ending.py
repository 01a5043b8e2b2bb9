"""The end in order: what runs writes down how far it came, the session is closed, then the screen goes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_migrate.tui.app import IrisApp

INTERRUPTED = 130
_PATIENCE = 5.0  # seconds that the end waits for what runs
_LAST = ("journey", "leave")  # workers that end with the app


class Ending:
    """Ends an app once. A host job that runs is not touched: it goes on without us."""

    def __init__(self, app: IrisApp) -> None:
        self._app = app
        self._signalled = False
        self._task: asyncio.Task[None] | None = None

    def hear_signals(self) -> None:
        """SIGTERM and a closed terminal would kill Textual at once."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # not in the main thread: a test
            loop.add_signal_handler(signal.SIGTERM, self.interrupted)
            loop.add_signal_handler(signal.SIGHUP, self.closed)

    def interrupted(self) -> None:
        """A signal: end in order; the second one does not wait."""
        if self._signalled:
            os._exit(INTERRUPTED)
        self._signalled = True
        self._task = asyncio.create_task(self.end(INTERRUPTED))

    def closed(self) -> None:
        """The terminal is gone; it may be told twice, by its signal and by reading from it."""
        if not self._signalled:
            self.interrupted()

    async def end(self, code: int) -> None:
        """Cancel what works and wait until it has said so in the record, close the session, leave with a code."""
        working = [worker for worker in self._app.workers if worker.name not in _LAST]
        for worker in working:
            worker.cancel()
        if working:
            waits = [asyncio.ensure_future(worker.wait()) for worker in working]
            done, _ = await asyncio.wait(waits, timeout=_PATIENCE)
            for wait in done:
                wait.exception()  # heard
        with contextlib.suppress(Exception):  # whatever hinders the closing, the record is written
            await asyncio.wait_for(self._app.end_session(), _PATIENCE)
        self._app.exit(code)
