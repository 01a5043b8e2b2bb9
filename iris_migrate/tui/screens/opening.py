"""Opening: the checklist is loaded, record and connections are opened; what stands in the way is said here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from iris_migrate.tui.commands import bindings
from iris_migrate.tui.screens.page import Page

if TYPE_CHECKING:
    from iris_migrate.engine.consent import Operator
    from iris_migrate.engine.options import Options
    from iris_migrate.engine.session import Session

    Opener = Callable[[Options, Operator], Awaitable[Session]]


class OpeningScreen(Page[Any]):
    """Answers with an open session, or None to go back."""

    AREA = "opening"
    TITLE_IN_HEADER = "Opening"
    BINDINGS = bindings("opening")
    HELP = "The settings are read, AWS is asked who you are, and the record on this machine is opened."
    DEFAULT_CSS = "OpeningScreen VerticalScroll { padding: 1 2; }"

    def __init__(self, operator: Operator, opener: Opener | None = None) -> None:
        """`opener`: opens another session than the chosen checklist's."""
        super().__init__()
        self._operator, self._opener = operator, opener
        self.busy = True

    def body(self) -> Iterator[Widget]:
        with VerticalScroll():
            yield Static("Opening the checklist …", id="told", markup=False)

    def on_mount(self) -> None:
        self.action_again()

    def action_again(self) -> None:
        self.busy = True
        self.refresh_bindings()
        self.query_one("#told", Static).update("Opening the checklist …")
        self.run_worker(self._open(), name="open", exclusive=True)

    async def _open(self) -> None:
        from iris_migrate.engine.session import Session
        from iris_migrate.exits import exit_code_of

        options = await self.iris.read_options()
        try:
            if self._opener is not None:
                session = await self._opener(options, self._operator)
            else:
                session = await self.iris.in_thread(lambda: Session(options, self._operator))
                await session.open()
        except Exception as error:
            self.busy = False
            self.query_one("#told", Static).update(
                Content(f"✗ {exit_code_of(error)[1]}\n\nMend it, then try again (r); or go back (Esc).")
            )
            self.refresh_bindings()
            return
        self.dismiss(session)

    def action_back(self) -> None:
        self.workers.cancel_node(self)
        self.dismiss(None)
