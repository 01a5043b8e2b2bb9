"""The header: how serious it is, where we are, how long it takes. One line."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import RenderResult
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from iris_migrate.tui.place import Place, clock, line


class Header(Widget):
    """Shows `place`; the class -<mood> colours it, the badge says it in words."""

    DEFAULT_CSS = """
    Header { dock: top; height: 1; background: $panel; color: $foreground; }
    Header.-rehearsal { background: $accent 25%; }
    Header.-production { background: $warning 30%; }
    Header.-destroying { background: $error; color: $background; }
    Header:ansi { background: ansi_default; color: ansi_default; text-style: bold; }
    Header.-destroying:ansi { background: ansi_red; color: ansi_white; }
    """
    place: reactive[Place] = reactive(Place())
    seconds: reactive[int] = reactive(0)

    def __init__(self, title: str, place: Place, elapsed: Callable[[], float]) -> None:
        super().__init__()
        self._title, self._since = title, elapsed
        self.set_reactive(Header.place, place)
        self.seconds = int(self._since())

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)
        self.watch_place(self.place)

    def watch_place(self, place: Place) -> None:
        for mood in ("rehearsal", "production", "destroying", "away"):
            self.set_class(place.mood == mood, f"-{mood}")

    def render(self) -> RenderResult:
        left, middle, right = line(self.place, self._title, clock(self.seconds), self.size.width)
        gap = " " * max(0, self.size.width - len(left) - len(middle) - len(right))
        return Content.assemble((left, "bold reverse" if left.strip() else ""), middle, gap, right)

    def _tick(self) -> None:
        self.seconds = int(self._since())
