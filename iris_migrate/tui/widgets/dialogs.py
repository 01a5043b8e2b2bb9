"""The dialogs that ask: Cancel has the focus, and what was typed ahead of them is not heard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
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


def _words(text: str, classes: str = "label") -> Static:
    return Static(Content(clean(text)), markup=False, classes=classes)


def _rows(rows: Iterable[Row]) -> Panel:
    panel = Panel(id="body")
    panel.show("dialog", rows)
    return panel


class ConfirmDialog(Dialog[bool]):
    """Shows what would be done and what it risks. With a phrase, only typing it exactly agrees."""

    def __init__(
        self, title: str, body: str | Sequence[Row], risk: str = "", phrase: str = "", *, agree: str = "Go on"
    ) -> None:
        super().__init__()
        self.title_text, self.phrase, self._risk, self._agree = title, phrase, risk, agree
        self._rows = [Row("", line) for line in body.splitlines()] if isinstance(body, str) else list(body)
        self.tone = "destroys" if phrase else "warns" if risk else ""

    def body(self) -> Iterator[Widget]:
        yield _rows(self._rows)
        if self._risk:
            said = _words(f"Risk: {self._risk}", "")
            said.id = "said"
            yield said
        if self.phrase:
            yield _words(f"To agree, type exactly:  {self.phrase}")
            yield Field(id="phrase", placeholder="the phrase")

    def buttons(self) -> Iterator[Button]:
        yield Choice("Cancel", id="cancel", compact=True)
        yield Choice(
            self._agree, id="agree", compact=True, disabled=True, variant="error" if self.phrase else "primary"
        )

    def watch_hears(self, hears: bool) -> None:
        if self.is_mounted:
            self.query_one("#agree", Button).disabled = not hears or bool(self.phrase)

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one("#agree", Button).disabled = not self.hears or event.value.strip() != self.phrase

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self.hears and event.value.strip() == self.phrase:
            self.dismiss(True)

    def refusal(self) -> bool:
        return False

    def chosen(self, button: str) -> None:
        if not self.phrase or self.query_one(Input).value.strip() == self.phrase:
            self.dismiss(True)


@dataclass(frozen=True, slots=True)
class Waiver:
    """Why a step need not hold, and until when (None: without end), in seconds since the epoch."""

    reason: str
    until: float | None


class ReasonDialog(Dialog[Waiver | None]):
    """Waive a step: a reason is demanded, an end is offered."""

    tone = "warns"

    def __init__(self, title: str, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.title_text, self._now = f"Waive: {title}", now

    def body(self) -> Iterator[Widget]:
        yield _words("It counts as settled although it does not hold. The reason stands in record and report.")
        yield _words("Reason")
        yield Field(id="reason", placeholder="why it need not hold")
        yield _words("For how many days (empty: without end)")
        yield Field(id="days", placeholder="30", type="integer", longest=5)

    def buttons(self) -> Iterator[Button]:
        yield Choice("Cancel", id="cancel", compact=True)
        yield Choice("Waive", id="waive", compact=True, disabled=True, variant="warning")

    def on_input_changed(self) -> None:
        self.query_one("#waive", Button).disabled = self._waiver() is None

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "reason":
            self.query_one("#days", Input).focus()
        elif self.hears and (waiver := self._waiver()):
            self.dismiss(waiver)

    def chosen(self, button: str) -> None:
        if waiver := self._waiver():
            self.dismiss(waiver)

    def _waiver(self) -> Waiver | None:
        reason, days = self.query_one("#reason", Input).value.strip(), self.query_one("#days", Input).value.strip()
        if not reason or (days and (not days.isdigit() or int(days) < 1)):
            return None
        return Waiver(clean(reason), self._now() + int(days) * 86400 if days else None)


class QuestionDialog(Dialog[str]):
    """Something that only the operator can do or know. The answer is one of the choices, `watch`, or empty."""

    def __init__(self, title: str, question: str, instructions: str, choices: Sequence[str]) -> None:
        super().__init__()
        self.title_text, self._question, self._instructions = title, question, instructions
        self._choices = tuple(choices) or ("yes",)

    def body(self) -> Iterator[Widget]:
        rows = [Row("", self._question, "head"), Row("", "")]
        yield _rows([*rows, *(Row("", line) for line in self._instructions.strip().splitlines())])

    def buttons(self) -> Iterator[Button]:
        yield Choice("Not now", id="cancel", compact=True)
        yield Choice("Wait until it is seen", id="watch", compact=True)
        for number, choice in enumerate(self._choices):
            yield Choice(Content(clean(choice)), id=f"choice-{number}", compact=True, variant="primary")

    def refusal(self) -> str:
        return ""

    def chosen(self, button: str) -> None:
        self.dismiss("watch" if button == "watch" else f"={self._choices[int(button.removeprefix('choice-'))]}")


class SecretDialog(Dialog[str | None]):
    """A secret is typed; nothing of it is shown."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__()
        self.title_text, self._name, self._where = f"Secret: {name}", name, where

    def body(self) -> Iterator[Widget]:
        yield _words(self._where)
        yield _words("It is kept in memory while the program runs and stands nowhere else.")
        yield Field(id="secret", password=True)

    def buttons(self) -> Iterator[Button]:
        yield Choice("Cancel", id="cancel", compact=True)
        yield Choice("Use it", id="use", compact=True, variant="primary")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.chosen("use")

    def chosen(self, button: str) -> None:
        if value := self.query_one(Input).value:
            self.dismiss(value)


class ProblemDialog(Dialog[None]):
    """Something went wrong that is no step's failure; it says what to do."""

    tone = "warns"

    def __init__(self, title: str, message: str) -> None:
        super().__init__()
        self.title_text, self._message = title, message

    def body(self) -> Iterator[Widget]:
        yield _rows([Row("", line) for line in self._message.splitlines()])

    def buttons(self) -> Iterator[Button]:
        yield Choice("Close", id="cancel", compact=True)

    def chosen(self, button: str) -> None:
        self.dismiss(None)
