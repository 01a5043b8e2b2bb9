"""Start: go on, begin anew, look again, or rehearse. Painted before anything is read; figures arrive after."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from iris_migrate.tui.commands import bindings
from iris_migrate.tui.screens.page import Page


class Choice(StrEnum):
    CONTINUE = "continue"
    NEW = "new"
    VERIFY = "verify"
    DECOMMISSION = "decommission"
    REHEARSE = "rehearse"


NAMES = {
    Choice.CONTINUE: "Continue",
    Choice.NEW: "New migration",
    Choice.VERIFY: "Verify again",
    Choice.DECOMMISSION: "Decommission Lambda",
    Choice.REHEARSE: "Rehearse",
}


class StartScreen(Page[Choice]):
    AREA = "start"
    CSS_PATH = "start.tcss"
    BINDINGS = bindings("start")

    def body(self) -> Iterator[Widget]:
        with Vertical(id="start"):
            yield Static("Takes a Flask service off AWS Lambda, onto a host of its own.", markup=False)
            yield OptionList(*(Option(Content(name), id=choice) for choice, name in NAMES.items()), markup=False)

    def action_choose(self) -> None:
        self.query_one(OptionList).action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Choice(str(event.option_id)))
