"""What every dialog is: Cancel has the focus, and what was typed ahead of it is not heard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Static
from textual.widgets._input import InputType

from iris_migrate.redact import clean
from iris_migrate.tui.telling import Row
from iris_migrate.tui.widgets.panel import Panel
from iris_migrate.tui.widgets.soon import soon

Answer = TypeVar("Answer")
OTHER = 10  # lines of a dialog beside its body
LONGEST_ANSWER = 4096  # characters in one field
DEAF = 0.5  # seconds in which keys that were meant for something else still arrive


def _taken(widget: Widget, event: events.Event) -> bool:
    """Keys and pastes go straight to what has the focus: it must not hear them before the dialog does.

    Tab moves at once: a binding takes effect a message later, and Enter typed right behind it would meet the old focus.
    """
    if isinstance(event, events.Key | events.Paste) and not getattr(widget.screen, "hears", True):
        return True
    if isinstance(event, events.Key) and event.key in ("tab", "shift+tab"):
        widget.screen.focus_next() if event.key == "tab" else widget.screen.focus_previous()
        return True
    return False


class Choice(Button):
    """A button of a dialog."""

    def _forward_event(self, event: events.Event) -> None:
        if not _taken(self, event):
            super()._forward_event(event)


class Field(Input):
    """A text field of a dialog; it takes as much as anybody may mean."""

    def __init__(
        self, *, id: str, placeholder: str = "", type: InputType = "text", password: bool = False, longest: int = 0
    ) -> None:
        super().__init__(
            id=id, placeholder=placeholder, type=type, password=password, select_on_focus=False,
            max_length=longest or LONGEST_ANSWER,
        )  # fmt: skip

    def _forward_event(self, event: events.Event) -> None:
        if not _taken(self, event):
            super()._forward_event(event)


class Dialog(ModalScreen[Answer]):
    """A box with a title, a body and buttons. Keys, clicks and pastes of its first half second are not heard."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > #box {
        width: 90%; max-width: 96; height: auto; max-height: 95%; padding: 0 1;
        border: round $primary; border-title-color: $primary; border-title-style: bold; background: $surface;
    }
    Dialog.-warns > #box { border: round $warning; border-title-color: $warning; }
    Dialog.-destroys > #box { border: heavy $error; border-title-color: $error; }
    Dialog #body { height: auto; padding: 0 1; }
    Dialog.-long > #box { height: 95%; }
    Dialog.-long #body { height: 1fr; min-height: 1; }
    Dialog #said { height: auto; padding: 0 1; color: $warning; }
    Dialog Input { margin: 0 1; height: 1; border: none; background: $panel; padding: 0 1; }
    Dialog Input:focus { background: $primary 20%; }
    Dialog .label { padding: 0 1; color: $foreground 80%; height: auto; }
    Dialog #buttons { height: 1; padding: 0 1; margin-top: 1; }
    Dialog.-low #buttons { margin-top: 0; }
    Dialog Button { margin-right: 2; min-width: 10; }
    Dialog Button:focus { text-style: bold reverse; }
    Dialog:ansi Button:focus { text-style: bold reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="dialog.cancel"),
        Binding("left", "app.focus_previous", "previous", show=False, id="dialog.previous"),
        Binding("right", "app.focus_next", "next", show=False, id="dialog.next"),
    ]
    hears: reactive[bool] = reactive(False)
    title_text = ""
    tone = ""  # "", warns, destroys

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(clean(self.title_text))
            box.border_subtitle = "Tab moves · Enter chooses · Esc cancels"
            yield from self.body()
            with Horizontal(id="buttons"):
                yield from self.buttons()

    def body(self) -> Iterator[Widget]:
        raise NotImplementedError

    def buttons(self) -> Iterator[Button]:
        yield Choice("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        self.set_class(bool(self.tone), f"-{self.tone}" if self.tone else "-plain")
        self.set_focus(self.query_one("#cancel", Button))
        self.call_after_refresh(soon, self, DEAF, self._hear)

    def on_resize(self) -> None:
        """A body that does not fit gets what the rest leaves, and scrolls."""
        self.set_class(self.size.height < 16, "-low")
        self.call_after_refresh(self._fit)

    def on_panel_filled(self) -> None:
        self._fit()

    def _fit(self) -> None:
        for panel in self.query(Panel):
            self.set_class(panel.needs > self.size.height - OTHER, "-long")

    def _hear(self) -> None:
        self.hears = True

    def _forward_event(self, event: events.Event) -> None:
        if not self.hears and isinstance(event, events.Key | events.Paste | events.MouseDown | events.MouseUp):
            return
        super()._forward_event(event)

    def action_cancel(self) -> None:
        if self.hears:
            self.dismiss(self.refusal())

    def refusal(self) -> Answer | None:
        """The answer of Cancel."""
        return None

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if not self.hears:
            return
        if event.button.id == "cancel":
            self.action_cancel()
        else:
            self.chosen(str(event.button.id))

    def chosen(self, button: str) -> None:
        raise NotImplementedError


def words(text: str, classes: str = "label") -> Static:
    return Static(Content(clean(text)), markup=False, classes=classes)


def rows(rows: Iterable[Row]) -> Panel:
    panel = Panel(id="body")
    panel.show("dialog", rows)
    return panel
