"""Help: what the focused part is for, and the keys that work now."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from iris_migrate.tui.commands import commands, key_name
from iris_migrate.tui.widgets.facts import Facts


class HelpDialog(ModalScreen[None]):
    """The text lives on the widget (or screen) it explains, as HELP."""

    DEFAULT_CSS = """
    HelpDialog { align: center middle; }
    HelpDialog > VerticalScroll {
        width: 90%; max-width: 84; height: auto; max-height: 90%; padding: 1 2;
        border: round $primary; border-title-color: $primary; background: $surface;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1,q,enter", "dismiss", "close")]

    def __init__(self, about: Screen[Any]) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        area = getattr(self._about, "AREA", "")
        with VerticalScroll() as box:
            box.border_title = "Help · Esc closes"
            for text in self._texts():
                yield Static(Content(text + "\n"), markup=False)
            yield Facts([(key_name(one.key), one.help) for one in (*commands(area), *commands("app"))])

    def _texts(self) -> list[str]:
        found = []
        widget: Any = self._about.focused
        while widget is not None and widget is not self._about:
            if text := getattr(widget, "HELP", None):
                found.append(str(text))
            widget = widget.parent
        if text := getattr(self._about, "HELP", None):
            found.append(str(text))
        return found
