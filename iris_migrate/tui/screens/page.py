"""What every screen of the journey is: header, body, footer; awaited by the flow, answers once."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.screen import Screen
from textual.widget import Widget

from iris_migrate.tui.commands import works
from iris_migrate.tui.widgets.header import Header
from iris_migrate.tui.widgets.keys import KeyLine

if TYPE_CHECKING:
    from iris_migrate.tui.app import IrisApp

Answer = TypeVar("Answer")


class Page(Screen[Answer], Generic[Answer]):
    """A screen with an AREA of commands. `dismiss` answers the flow, which then shows the next page in its place."""

    AREA: ClassVar[str] = ""
    TITLE_IN_HEADER: ClassVar[str] = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - typed so by Textual

    def __init__(self) -> None:
        super().__init__()
        self._answer: asyncio.Future[Any] | None = None
        self.awake = False  # drawn once: keys find their widgets

    @property
    def iris(self) -> IrisApp:
        return cast("IrisApp", self.app)

    def compose(self) -> ComposeResult:
        yield Header(self.TITLE_IN_HEADER, self.iris.place, self.iris.elapsed)
        yield from self.body()
        yield KeyLine()

    def body(self) -> Iterator[Widget]:
        """The widgets between header and footer."""
        raise NotImplementedError

    def leaving(self) -> str:
        """What happens to what runs when one leaves now; empty when nothing runs and nothing is asked."""
        return ""

    def answered(self) -> asyncio.Future[Any]:
        """What the flow waits for."""
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
        return self._answer

    @property
    def takes_keys(self) -> bool:
        return self.awake and not (self._answer is not None and self._answer.done())

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Answer the flow. The screen stays until the next one takes its place."""
        if self._answer is None:
            closed: AwaitComplete = super().dismiss(result)
            return closed
        if not self._answer.done():
            self._answer.set_result(result)
        return AwaitComplete()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return works(self.AREA, action, self if self.is_mounted else None)

    def on_screen_suspend(self) -> None:
        self.iris.screen_changed()

    def on_screen_resume(self) -> None:
        self.iris.screen_changed()
        self.call_after_refresh(self._wake)

    def _wake(self) -> None:
        self.awake = True
        gc.enable()
        self.refresh_bindings()
        self.iris.release_keys()
