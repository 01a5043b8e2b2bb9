"""One-line widgets of the checklist: how far it is, where one stands, and what happens now."""

from __future__ import annotations

from rich.cells import set_cell_size
from textual.app import RenderResult
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class Progress(Widget):
    """A bar with the count in words."""

    DEFAULT_CSS = """
    Progress { height: 1; background: $surface; color: $primary; }
    """
    done: reactive[int] = reactive(0)
    total: reactive[int] = reactive(0)

    def render(self) -> RenderResult:
        words = f" {self.done} of {self.total} hold "
        room = max(0, self.size.width - len(words) - 1)
        filled = round(room * self.done / self.total) if self.total else 0
        return Content.assemble(" ", "━" * filled, ("─" * (room - filled), "dim"), words)


class Breadcrumb(Widget):
    """Where one stands, in one line, for narrow terminals."""

    DEFAULT_CSS = """
    Breadcrumb { height: 1; background: $surface; color: $foreground; text-style: bold; }
    """
    where: reactive[str] = reactive("")
    count: reactive[str] = reactive("")

    def render(self) -> RenderResult:
        room = max(0, self.size.width - len(self.count) - 2)
        return Content.assemble(" ", set_cell_size(self.where, room), self.count, " ")


class Activity(Widget):
    """What happens now: a moving sign while something runs, else what the last thing came to."""

    DEFAULT_CSS = """
    Activity { height: 1; background: $background; color: $foreground 80%; }
    Activity.-busy { color: $primary; }
    """
    says: reactive[str] = reactive("")
    asks: reactive[bool] = reactive(False)  # a dialog waits for an answer, and nothing else happens
    busy: reactive[bool] = reactive(False, toggle_class="-busy")
    seconds: reactive[int] = reactive(0)

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self.busy and not self.asks:
            self.seconds += 1

    def watch_busy(self, busy: bool) -> None:
        self.seconds = 0

    def render(self) -> RenderResult:
        sign, right = ("▶ ", f" {self.seconds // 60}:{self.seconds % 60:02} ") if self.busy else ("", "")
        if self.asks:
            return Content(" It waits for your answer.")
        room = max(0, self.size.width - len(right) - 1)
        return Content.assemble(" ", set_cell_size(sign + self.says, room), right)
