"""The dialogs that ask, and those that tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input

from iris_migrate.redact import clean
from iris_migrate.tui.telling import Row
from iris_migrate.tui.widgets.dialog import Choice, Dialog, Field, rows, words


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
        yield rows(self._rows)
        if self._risk:
            said = words(f"Risk: {self._risk}", "")
            said.id = "said"
            yield said
        if self.phrase:
            yield words(f"To agree, type exactly:  {self.phrase}")
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
        yield words("It counts as settled although it does not hold. The reason stands in record and report.")
        yield words("Reason")
        yield Field(id="reason", placeholder="why it need not hold")
        yield words("For how many days (empty: without end)")
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
        asked = [Row("", self._question, "head"), Row("", "")]
        yield rows([*asked, *(Row("", line) for line in self._instructions.strip().splitlines())])

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
        yield words(self._where)
        yield words("It is kept in memory while the program runs and stands nowhere else.")
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

    def __init__(self, title: str, message: str | Sequence[Row]) -> None:
        super().__init__()
        self.title_text = title
        self._rows = [Row("", line) for line in message.splitlines()] if isinstance(message, str) else list(message)

    def body(self) -> Iterator[Widget]:
        yield rows(self._rows)

    def buttons(self) -> Iterator[Button]:
        yield Choice("Close", id="cancel", compact=True)

    def chosen(self, button: str) -> None:
        self.dismiss(None)


class ToldDialog(ProblemDialog):
    """Something to read, and nothing wrong."""

    tone = ""
