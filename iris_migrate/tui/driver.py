"""The terminal under the app, which may be closed at any moment: then writing is over, and the end is in order."""

from __future__ import annotations

import contextlib
import termios
from typing import IO, TYPE_CHECKING, Any, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from iris_migrate.tui.app import IrisApp


class Screenside:
    """What is written to a terminal. Once it is closed, nothing is, and nobody is told.

    Textual writes in a thread; an error there ended the thread, and the app then waited for ever to hand over more.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class TerminalDriver(LinuxDriver):
    """Textual's own, but for the moment when the window is closed."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._file = cast("Any", Screenside(cast("IO[str]", self._file)))

    def _sigcont_application(self, *signal: Any) -> None:
        """A closed window sends SIGHUP and SIGCONT at once: only where there is a terminal is there one to take."""
        with contextlib.suppress(termios.error):
            termios.tcgetattr(self.fileno)
            super()._sigcont_application(*signal)

    def run_input_thread(self) -> None:
        try:
            super().run_input_thread()
        except OSError:  # it was closed; without a session of its own no signal says so
            self._app.call_later(cast("IrisApp", self._app).ending.closed)
