"""The lines of several logs: merged by time in one view, or each log in a view of its own, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget

from iris_migrate.tui.widgets.line_view import LineView
from iris_migrate.tui.widgets.lines import Keep, ShownLine

EMPTY = "No line passes, or none was written yet."


class LogLines(Widget):
    """`beside` is false at first. The views of single logs are made when they are first asked for."""

    DEFAULT_CSS = """
    LogLines { height: 1fr; }
    LogLines #beside { height: 1fr; display: none; }
    LogLines #beside LineView { width: 1fr; border-top: solid $panel; border-title-color: $foreground; }
    LogLines #beside LineView:focus { border-top: solid $primary; }
    LogLines.-beside #beside { display: block; }
    LogLines.-beside #merged { display: none; }
    .-narrow LogLines #beside { layout: vertical; }
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = tuple(names)
        self._apart: dict[str, LineView] = {}
        self._keep: Keep | None = None

    def compose(self) -> ComposeResult:
        yield LineView(id="merged", show_time=True, show_source=True, empty=EMPTY)
        yield Horizontal(id="beside")

    @property
    def beside(self) -> bool:
        return self.has_class("-beside")

    @property
    def merged(self) -> LineView:
        """All lines, merged: what is counted and saved."""
        return self.query_one("#merged", LineView)

    @property
    def current(self) -> LineView:
        """The view that one works with: the merged one, or the one of a log that has the focus."""
        if not self.beside:
            return self.merged
        return next((view for view in self._apart.values() if view.has_focus), next(iter(self._apart.values())))

    def feed(self, lines: Sequence[ShownLine]) -> None:
        self.merged.feed(lines)
        for name, view in self._apart.items():
            if own := [line for line in lines if line.source == name]:
                view.feed(own)

    def filter(self, keep: Keep | None, hidden: set[str]) -> None:
        """Show only lines that pass; a hidden log loses its view as well."""
        self._keep = keep
        for view in (self.merged, *self._apart.values()):
            view.filter(keep)
        for name, view in self._apart.items():
            view.display = name not in hidden

    async def toggle(self, hidden: set[str]) -> None:
        """Merged, or side by side; the other way round the next time."""
        if not self._names:
            return
        if not self._apart:
            await self._make()
        self.toggle_class("-beside")
        self.filter(self._keep, hidden)
        self.current.focus()

    async def _make(self) -> None:
        kept = list(self.merged.lines.everything)
        for name in self._names:
            view = LineView(show_time=True, empty=EMPTY)
            view.border_title = name
            view.feed([line for line in kept if line.source == name])
            self._apart[name] = view
        await self.query_one("#beside").mount_all(self._apart.values())
