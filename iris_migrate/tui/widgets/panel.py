"""A scrolling panel of rows: the step, the failure, the evidence, the undo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from iris_migrate.tui.telling import Row
from iris_migrate.tui.widgets.tones import COMPONENTS, CSS, table_of


class _Rows(Static):
    DEFAULT_CSS = f"""
    _Rows {{ height: auto; {CSS} }}
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENTS

    rows: tuple[Row, ...] = ()

    def on_resize(self) -> None:
        self.post_message(Panel.Filled())

    def show(self, rows: tuple[Row, ...]) -> None:
        self.rows = rows
        self.update(table_of(self, rows))

    def notify_style_update(self) -> None:
        """Another theme: the colours are in the text, so it is made anew."""
        super().notify_style_update()
        if self.rows and self.is_attached:
            self.update(table_of(self, self.rows))


class Panel(VerticalScroll, can_focus=True):
    """Rows that wrap. `show` with the same rows does nothing, so that reading on is not disturbed."""

    DEFAULT_CSS = """
    Panel { background: $surface; padding: 0 1; scrollbar-size-vertical: 1; }
    Panel:focus { background-tint: $foreground 4%; }
    """

    class Filled(Message):
        """The rows need another number of lines than before."""

    def __init__(self, *, id: str | None = None, help: str = "") -> None:
        super().__init__(id=id)
        self.set_help(help)
        self._about = ""
        self._text = _Rows("", markup=False)
        self._pending: tuple[Row, ...] = ()

    def set_help(self, text: str) -> None:
        """What help says about this panel."""
        self.__dict__["HELP"] = text

    def compose(self) -> ComposeResult:
        yield self._text

    def on_mount(self) -> None:
        if self._pending:
            self._text.show(self._pending)

    def show(self, about: str, rows: Iterable[Row]) -> None:
        """Show rows about something; what is new is shown from its top."""
        found = tuple(rows)
        if found == self._pending and about == self._about:
            return
        if about != self._about:
            self.scroll_home(animate=False, immediate=True)
        self._about, self._pending = about, found
        if self.is_mounted:
            self._text.show(found)

    @property
    def needs(self) -> int:
        """Lines that it would fill."""
        return self._text.size.height

    @property
    def text(self) -> str:
        """What it shows, for copying."""
        return "\n".join(f"{row.label:<8}{row.text}".rstrip() for row in self._pending)
