"""Lines on the screen: any number of them, fed in batches, drawn only where one looks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from iris_migrate.redact import clean
from iris_migrate.tui.widgets.lines import CAP, Keep, Lines, ShownLine
from iris_migrate.tui.widgets.soon import soon

FAST, SLOW = 0.05, 0.25  # seconds between two drawings when much or little comes
BUSY = 50  # lines waiting above which the drawing is done fast
SOURCE = 8  # cells for the name of a line's source
AT_ONCE = 2_000  # lines taken over in one go, so that a burst never holds the screen up


class LineView(ScrollView, can_focus=True):
    """A scrolling view of lines. `feed` is cheap and may be called from the event loop with any batch.

    It follows the newest line until one scrolls up or pauses; then it counts what is new.
    """

    DEFAULT_CSS = """
    LineView { height: 1fr; background: $surface; scrollbar-size-horizontal: 1; }
    LineView:focus { background-tint: $foreground 4%; }
    LineView > .line--error { color: $error; }
    LineView > .line--warning { color: $warning; }
    LineView > .line--found { background: $primary 40%; text-style: bold; }
    LineView > .line--time { text-style: dim; }
    LineView:ansi > .line--found { text-style: reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "pause", id="lines.pause"),
        Binding("end,G", "newest", "newest", id="lines.newest", show=False),
        Binding("home,g", "oldest", "oldest", id="lines.oldest", show=False),
        Binding("k", "mark(-1)", "line up", id="lines.mark-up", show=False),
        Binding("j", "mark(1)", "line down", id="lines.mark-down", show=False),
    ]
    HELP = "Lines as they come. Space pauses, End goes to the newest, / searches, s saves them to a file."
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line--error", "line--warning", "line--found", "line--time"}

    following: reactive[bool] = reactive(True)
    found: reactive[int] = reactive(-1)
    found_text = ""

    class Counted(Message):
        """What there is to say about the lines: how many came, how many of them are new since the pause."""

        def __init__(self, view: LineView, total: int, new: int) -> None:
            super().__init__()
            self.view, self.total, self.new = view, total, new

    class Marked(Message):
        """Another line is marked."""

        def __init__(self, view: LineView) -> None:
            super().__init__()
            self.view = view

    def __init__(
        self,
        *,
        cap: int = CAP,
        show_time: bool = False,
        show_source: bool = False,
        empty: str = "",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.lines = Lines(cap)
        self._waiting: list[ShownLine] = []
        self._width = 1
        self._drawing = False
        self._drawn = 0.0  # when the last lines were drawn, on the monotonic clock
        self._seen = 0
        self._show_time, self._show_source = show_time, show_source
        self._empty = empty  # what is said while there are no lines

    # Feeding

    def feed(self, lines: Iterable[ShownLine]) -> None:
        """Take lines over; they are drawn with the next flush."""
        self._waiting.extend(lines)
        if not self._drawing and self.is_attached:
            self._drawing = True
            soon(self, self._pause(), self._flush)

    def _pause(self) -> float:
        """A line after a silence is drawn at once; those that keep coming are drawn together."""
        if len(self._waiting) > BUSY:
            return FAST
        return max(0.0, self._drawn + SLOW - time.monotonic())

    def feed_text(self, lines: Sequence[str], level: int = 6) -> None:
        """Take plain lines over."""
        self.feed([ShownLine(line, level) for line in lines])

    @property
    def text(self) -> str:
        """The lines that are shown, for copying and saving."""
        return "\n".join((_clock(line.time) + " " if line.time and self._show_time else "") + line.text
                         for line in self.lines)  # fmt: skip

    def clear(self) -> None:
        """Forget all lines; the filter stays away too."""
        self.lines = Lines(self.lines._lines.maxlen or CAP)
        self._waiting, self._width, self._seen, self.found = [], 1, 0, -1
        self._resize()

    def on_mount(self) -> None:
        if self._waiting:
            self.feed(())

    def _flush(self) -> None:
        self._drawing, self._drawn = False, time.monotonic()
        batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        before = self.lines.first
        self.lines.add(line if line.text.isprintable() else _plain(line) for line in batch)
        gone = self.lines.first - before
        widest = max((cell_len(line.text) for line in batch[-200:]), default=0)
        self._width = max(
            self._width, widest + (11 if self._show_time else 0) + (SOURCE + 1 if self._show_source else 0)
        )
        self._resize()
        if self.following:
            self._seen = self.lines.total
            self._show_row(len(self.lines))
        elif gone:
            self._show_row(self.scroll_offset.y - gone)
        self.post_message(self.Counted(self, self.lines.total, self.lines.total - self._seen))
        if self._waiting:
            self._drawing = True
            soon(self, 0.001, self._flush)

    def _resize(self) -> None:
        self.virtual_size = Size(self._width, len(self.lines))
        self.refresh()

    def _show_row(self, row: int) -> None:
        """Put a row at the top, as far as there are rows below it; sideways nothing moves."""
        last = max(0, len(self.lines) - self.scrollable_content_region.height)
        self.scroll_to(y=min(max(0, row), last), animate=False, immediate=True, force=True)

    # Looking

    def filter(self, keep: Keep | None) -> None:
        """Show only lines that pass."""
        self.lines.filter(keep)
        self.found = -1
        self._resize()
        if self.following:
            self._show_row(len(self.lines))

    def search(self, text: str, *, up: bool = True) -> bool:
        """Go to the next line that contains a text; upwards from the newest. False when there is none."""
        self.found_text = text
        start = self.found + (-1 if up else 1) if self.found >= 0 else (len(self.lines) - 1 if up else 0)
        row = self.lines.find(text, start, -1 if up else 1) if text else None
        if row is None:
            return False
        self.following, self.found = False, row
        self._show_row(row - self.size.height // 2)
        self.refresh()
        return True

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        if row == 0 and not len(self.lines) and self._empty:
            words = Strip([Segment(f" {self._empty}", self._component("line--time"))])
            return words.crop_extend(0, self.size.width, self.rich_style).apply_style(self.rich_style)
        if row >= len(self.lines):
            return Strip.blank(self.size.width, self.rich_style)
        line = self.lines.at(row)
        style = self._style_of(line, row)
        segments = [Segment((_sign(line.level) if self._show_time else "") + line.text, style)]
        if self._show_source:
            segments.insert(0, Segment(set_cell_size(line.source, SOURCE) + " ", self._component("line--time")))
        if self._show_time and line.time:
            segments.insert(0, Segment(_clock(line.time) + " ", self._component("line--time")))
        strip = Strip(segments).crop_extend(
            self.scroll_offset.x, self.scroll_offset.x + self.size.width, self.rich_style
        )
        return strip.apply_style(self.rich_style)

    def _style_of(self, line: ShownLine, row: int) -> Style:
        if row == self.found:
            return self._component("line--found")
        if line.level <= 3:
            return self._component("line--error")
        return self._component("line--warning") if line.level == 4 else Style.null()

    def _component(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)

    @property
    def marked(self) -> ShownLine | None:
        """The line that is marked or was found; while it follows, the newest."""
        if 0 <= self.found < len(self.lines):
            return self.lines.at(self.found)
        return self.lines.at(len(self.lines) - 1) if len(self.lines) else None

    # Keys

    def action_mark(self, by: int) -> None:
        """Mark the line above or below; the first mark is the lowest line that is seen."""
        if not len(self.lines):
            return
        lowest = min(len(self.lines), self.scroll_offset.y + self.scrollable_content_region.height) - 1
        row = self.found + by if self.found >= 0 else lowest
        self.following = False
        self.found = min(max(row, 0), len(self.lines) - 1)
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if not top <= self.found < top + height:
            self._show_row(self.found - height // 2)
        self.refresh()
        self.post_message(self.Marked(self))

    def action_pause(self) -> None:
        self.following = not self.following

    def action_newest(self) -> None:
        self.following = True

    def action_oldest(self) -> None:
        self.following = False
        self.scroll_home(animate=False)

    def action_scroll_up(self) -> None:
        self.following = False
        super().action_scroll_up()

    def action_page_up(self) -> None:
        self.following = False
        super().action_page_up()

    def watch_following(self, following: bool) -> None:
        if following:
            self.found = -1
            self._seen = self.lines.total
            self._show_row(len(self.lines))
        self.post_message(self.Counted(self, self.lines.total, self.lines.total - self._seen))

    def on_mouse_scroll_up(self) -> None:
        self.following = False


def _sign(level: int) -> str:
    """What colour repeats."""
    return "✗ " if level <= 3 else "! " if level == 4 else "  "


def _plain(line: ShownLine) -> ShownLine:
    """Whoever wrote it: letters only, and tabs as spaces."""
    return line._replace(text=clean(line.text.expandtabs(8)).replace("\n", " "))


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
