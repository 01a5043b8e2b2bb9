"""What belongs to a step, one of four at a time: output, journal, evidence, undo."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from textual import events
from textual.app import ComposeResult, RenderResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from iris_migrate.tui.widgets.line_view import LineView
from iris_migrate.tui.widgets.panel import Panel


class Pane(StrEnum):
    OUTPUT = "output"
    JOURNAL = "journal"
    EVIDENCE = "evidence"
    UNDO = "undo"


class PaneTabs(Widget):
    """The names of the panes in one line; the one that is shown is marked, what lives has a dot."""

    DEFAULT_CSS = """
    PaneTabs { height: 1; background: $panel; color: $foreground; }
    """
    pane: reactive[Pane] = reactive(Pane.OUTPUT)
    note: reactive[str] = reactive("")
    live: reactive[bool] = reactive(False)

    class Chosen(Message):
        def __init__(self, pane: Pane) -> None:
            super().__init__()
            self.pane = pane

    def render(self) -> RenderResult:
        parts: list[tuple[str, str] | str] = []
        for number, pane in enumerate(Pane, 1):
            dot = " ●" if pane is Pane.JOURNAL and self.live else ""
            parts += [(self._words(number, pane, dot), "bold reverse" if pane is self.pane else ""), "│"]
        parts[-1:] = []
        return Content.assemble(*parts, f"  {self.note}")

    @staticmethod
    def _words(number: int, pane: Pane, dot: str) -> str:
        return f" {number} {pane.value.capitalize()}{dot} "

    def on_click(self, event: events.Click) -> None:
        at = 0
        for number, pane in enumerate(Pane, 1):
            at += len(self._words(number, pane, " ●" if pane is Pane.JOURNAL and self.live else "")) + 1
            if event.x < at:
                self.post_message(self.Chosen(pane))
                return


class Panes(Vertical):
    """The tabs and the pane below them. A pane is made when it is first shown."""

    DEFAULT_CSS = """
    Panes { height: 1fr; }
    """
    HELP: ClassVar[str] = (
        "1 what the step's changes wrote, 2 the journal of its units as it comes, 3 everything that was looked at,"
        " 4 what undo would put back."
    )

    def compose(self) -> ComposeResult:
        yield PaneTabs()
        yield LineView(id=Pane.OUTPUT, show_time=True, empty="Nothing was written by this step in this visit.")

    @property
    def pane(self) -> Pane:
        return self.query_one(PaneTabs).pane

    async def open(self, pane: Pane) -> Widget:
        """Show a pane; the widget in it."""
        tabs = self.query_one(PaneTabs)
        if not self.query(f"#{pane}"):
            await self.mount(self._make(pane))
        focused = self.has_focus_within
        tabs.pane = pane
        for other in Pane:
            for widget in self.query(f"#{other}"):
                widget.display = other is pane
        shown = self.query_one(f"#{pane}", Widget)
        if focused:
            shown.focus()
        return shown

    @staticmethod
    def _make(pane: Pane) -> Widget:
        if pane in (Pane.OUTPUT, Pane.JOURNAL):
            return LineView(id=pane, show_time=True, empty="Nothing yet. New lines appear as they are written.")
        return Panel(id=pane)

    @property
    def output(self) -> LineView:
        return self.query_one(f"#{Pane.OUTPUT}", LineView)
