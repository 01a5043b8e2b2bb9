"""The checklist at the side: phases, the steps of those that are open, and one marked row. Draws only what is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from iris_migrate.redact import clean
from iris_migrate.symbols import SYMBOLS
from iris_migrate.tui.board import Board
from iris_migrate.tui.telling import tone_of
from iris_migrate.tui.widgets.tones import COMPONENTS, CSS, style_of


@dataclass(frozen=True, slots=True)
class Place:
    """A row: a phase, or one of its steps."""

    phase: str
    step: str = ""


class StepList(ScrollView, can_focus=True):
    """Up and down mark a row; Enter or right opens a phase, left closes it."""

    DEFAULT_CSS = f"""
    StepList {{
        background: $surface; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0;
        {CSS}
        & > .list--marked {{ background: $primary 25%; }}
        &:focus > .list--marked {{ background: $primary; color: $background; text-style: bold; }}
        &:ansi > .list--marked {{ text-style: reverse; }}
    }}
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {*COMPONENTS, "list--marked"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="list.up"),
        Binding("down,j", "move(1)", "down", show=False, id="list.down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="list.page-up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="list.page-down"),
        Binding("home", "edge(0)", "first", show=False, id="list.first"),
        Binding("end", "edge(-1)", "last", show=False, id="list.last"),
        Binding("right,space", "open(True)", "open", show=False, id="list.open"),
        Binding("left", "open(False)", "close", show=False, id="list.close"),
    ]
    HELP = (
        "The phases and their steps. ✓ holds, ✗ failed, · ready to be applied, ⧗ waits for another step, ▶ being worked"
        " on, ◌ on its way by itself, ? waits for you or cannot be read, ! look at it, – left out or waived. Arrows"
        " move, right opens a phase, left closes it."
    )

    class Marked(Message):
        """Another row is marked."""

        def __init__(self, place: Place) -> None:
            super().__init__()
            self.place = place

    def __init__(self, board: Board, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.board = board
        self._open: set[str] = set()
        self._rows: list[Place] = []
        self._at = 0
        self._rebuild()

    # What is shown

    @property
    def place(self) -> Place:
        return self._rows[self._at] if self._rows else Place("")

    def show_step(self, step_id: str) -> None:
        """Mark a step, opening its phase."""
        step = self.board.step(step_id)
        self._open.add(step.phase)
        self._rebuild()
        self._mark(self._rows.index(Place(step.phase, step_id)))

    def open_only(self, phases: Sequence[str]) -> None:
        """Open these phases and close the others."""
        here = self.place
        self._open = set(phases)
        self._rebuild()
        self._at = self._row_of(here)
        self.refresh()

    def _rebuild(self) -> None:
        self._rows = []
        for phase in self.board.checklist.phases:
            self._rows.append(Place(phase.id))
            if phase.id in self._open:
                self._rows += [Place(phase.id, step.id) for step in self.board.steps(phase.id)]
        self._at = min(self._at, max(0, len(self._rows) - 1))
        self.virtual_size = Size(1, len(self._rows))
        self.refresh()

    def _row_of(self, place: Place) -> int:
        return self._rows.index(place) if place in self._rows else self._rows.index(Place(place.phase))

    def _mark(self, row: int) -> None:
        row = min(max(row, 0), len(self._rows) - 1)
        before, self._at = self._at, row
        self._into_view()
        for changed in {before, row}:
            self.refresh_line(changed)
        if before != row:
            self.post_message(self.Marked(self.place))

    def _into_view(self) -> None:
        height = max(1, self.scrollable_content_region.height)
        top = self.scroll_offset.y
        if not top <= self._at < top + height:
            self.scroll_to(y=max(0, self._at - height // 2), animate=False, immediate=True)

    def on_resize(self) -> None:
        self._into_view()

    # Drawing

    def render_line(self, y: int) -> Strip:
        row, width = y + self.scroll_offset.y, self.size.width
        if row >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        place = self._rows[row]
        left, right, tone = self._words(place)
        room = max(0, width - cell_len(right))
        if cell_len(left) > room - 1:
            left = set_cell_size(left, max(0, room - 2)) + "… "
        text = set_cell_size(left, room) + right
        strip = Strip([Segment(set_cell_size(text, width), style_of(self, tone))]).apply_style(self.rich_style)
        if row != self._at:
            return strip
        marked = self.get_component_rich_style("list--marked", partial=not self.has_focus)
        return Strip([Segment(segment.text, (segment.style or marked) + marked) for segment in strip])

    def _words(self, place: Place) -> tuple[str, str, str]:
        if not place.step:
            steps = self.board.steps(place.phase)
            status = self.board.phase_status(place.phase)
            sign = SYMBOLS[status] if status else " "
            count = f" {self.board.settled(steps)}/{len(steps)} "
            return clean(f"{sign} {place.phase} {self.board.phase(place.phase).title}"), count, tone_of(status)
        status = self.board.status(place.step)
        sign = SYMBOLS[status] if status else " "
        return clean(f"  {sign} {self.board.step(place.step).title}"), "", tone_of(status)

    # Keys

    def action_move(self, by: int) -> None:
        self._mark(self._at + by)

    def action_page(self, by: int) -> None:
        self._mark(self._at + by * max(1, self.size.height - 1))

    def action_edge(self, row: int) -> None:
        self._mark(row if row >= 0 else len(self._rows) - 1)

    def action_open(self, opened: bool) -> None:
        phase = self.place.phase
        if opened:
            self._open.add(phase)
        else:
            self._open.discard(phase)
        here = self.place if opened else Place(phase)
        self._rebuild()
        self._mark(self._row_of(here))

    def on_click(self, event: events.Click) -> None:
        row = event.y + self.scroll_offset.y
        if row >= len(self._rows):
            return
        again = row == self._at
        self._mark(row)
        if not self.place.step:
            self.action_open(not (again and self.place.phase in self._open))
