"""Start: go on, begin anew, look again, or rehearse. Painted before anything is read; figures arrive after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from iris_migrate.tui.commands import bindings
from iris_migrate.tui.screens.page import Page

if TYPE_CHECKING:
    from iris_migrate.tui.standing import Standing


class Choice(StrEnum):
    CONTINUE = "continue"
    VERIFY = "verify"
    DECOMMISSION = "decommission"
    SETTINGS = "settings"
    REHEARSE = "rehearse"


@dataclass(frozen=True, slots=True)
class Chosen:
    """`begun` is None when the choice was made before it was known."""

    choice: Choice
    begun: bool | None


_WIDTH = 16
_SAYS = {
    Choice.CONTINUE: ("Migrate", "go on where it stands, or begin"),
    Choice.VERIFY: ("Verify again", "looks at every step; changes nothing"),
    Choice.DECOMMISSION: ("Decommission", "what of the Lambda side goes, when, and the way back"),
    Choice.SETTINGS: ("Settings", "account, Lambda side, settings, and what they cost"),
    Choice.REHEARSE: ("Rehearse", "the whole way on this machine; nothing real is touched"),
}
WELCOME = "Takes a Flask service off AWS Lambda, puts it on an EC2 host and keeps proving that it holds."
REHEARSED = (
    "This is a rehearsal: a practice AWS and a practice host on this machine. Nothing real is touched, nothing"
    " costs money, and all of it is gone when you leave."
)


WAY = (
    "Account → old side (the Lambda function and what is around it) → settings and what they cost → checklist. Every"
    " step is looked at, shown in full before it is done, and looked at again. Stop at any moment; the next start goes"
    " on where it stands."
)


class StartScreen(Page[Chosen]):
    AREA = "start"
    TITLE_IN_HEADER = "Start"
    BINDINGS = bindings("start")
    HELP = (
        "Where every sitting begins. Migrate leads step by step through the account, the old side and the settings to"
        " the checklist, or straight to the checklist when it was begun before. Looking changes nothing; each change"
        " is shown before it is made."
    )

    def __init__(self) -> None:
        super().__init__()
        self._standing: Standing | None = None

    def body(self) -> Iterator[Widget]:
        choices = [choice for choice in self._choices() if choice is not Choice.VERIFY]
        with Vertical(id="start"):
            yield Static(Content(REHEARSED if self.iris.place.rehearsal else WELCOME), id="welcome", markup=False)
            yield OptionList(*(Option(_prompt(*_SAYS[choice]), id=choice) for choice in choices), markup=False)
            yield Static(Content(WAY), id="way", markup=False)
            yield Static("", id="notice", markup=False)

    def _choices(self) -> list[Choice]:
        return [choice for choice in Choice if not (choice is Choice.REHEARSE and self.iris.place.rehearsal)]

    def on_mount(self) -> None:
        self.call_after_refresh(self.run_worker, self._read, name="standing")

    async def _read(self) -> None:
        """The figures, after the first paint."""
        from iris_migrate.tui.standing import standing

        options = await self.iris.read_options()
        self._standing = found = await self.iris.in_thread(lambda: standing(options))
        name = "Continue" if found.begun else "Migrate"
        listed = self.query_one(OptionList)
        listed.replace_option_prompt(Choice.CONTINUE, _prompt(name, *found.lines()))
        if found.begun:  # before, there is nothing that could have held
            at = listed.highlighted
            marked = listed.get_option_at_index(at).id if at is not None else None
            listed.clear_options()
            says = {**_SAYS, Choice.VERIFY: (_SAYS[Choice.VERIFY][0], f"{found.steps} steps; changes nothing")}
            texts = {choice: _prompt(*said) for choice, said in says.items()}
            texts[Choice.CONTINUE] = _prompt(name, *found.lines())
            listed.add_options(Option(texts[choice], id=choice) for choice in self._choices())
            listed.highlighted = listed.get_option_index(marked) if marked is not None else 0
        self.query_one("#notice", Static).update(Content(self.iris.notice))

    def action_choose(self) -> None:
        self.query_one(OptionList).action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Chosen(Choice(str(event.option_id)), None if self._standing is None else self._standing.begun))


def _prompt(name: str, *says: str) -> Content:
    """A choice with what is known about it, further lines under the first."""
    below = "".join(f"\n{'':<{_WIDTH}}{line}" for line in says[1:])
    return Content.assemble((f"{name:<{_WIDTH}}", "bold"), says[0], below)
