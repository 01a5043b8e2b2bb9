"""The line in which one types what is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.widgets import Input


class SearchLine(Horizontal):
    """Hidden until `open`; Enter looks for the next one upwards, Escape closes."""

    DEFAULT_CSS = """
    SearchLine { height: 1; display: none; background: $panel; }
    SearchLine Static { width: auto; padding: 0 1; }
    SearchLine Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", id="search.close")]

    class Sought(Message):
        def __init__(self, line: SearchLine, text: str) -> None:
            super().__init__()
            self.line, self.text = line, text

    def __init__(self, says: str = "Search, Enter for the next one upwards:", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._says = says

    async def open(self) -> None:
        """Show it; what it is made of is made when it is first shown."""
        from textual.widgets import Input

        self._before = self.screen.focused
        self.display = True
        if not self.children:
            await self.mount(Static(self._says, markup=False), Input(), Static("", id="told", markup=False))
        self.query_one(Input).focus()

    def tell(self, says: str) -> None:
        self.query_one("#told", Static).update(says)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Sought(self, event.value))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.tell("")

    def action_close(self) -> None:
        self.display = False
        if self._before is not None and self._before.is_attached:
            self._before.focus()
