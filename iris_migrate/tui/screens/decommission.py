"""Decommission: what of the old side would go, the gates, one phrase, and each thing until it is seen to be gone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.containers import Container
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from iris_migrate.engine.decommission import Agreed, Listing, listing
from iris_migrate.engine.events import Event
from iris_migrate.engine.removing import Removing
from iris_migrate.language.checklist import Step
from iris_migrate.redact import clean
from iris_migrate.reports import decommission as report
from iris_migrate.tui.commands import bindings
from iris_migrate.tui.list_rows import asked_rows, gate_row, item_rows, way_line
from iris_migrate.tui.screens.visiting import VisitPage
from iris_migrate.tui.telling import RISKS, Row, evidence_rows
from iris_migrate.tui.widgets.bars import Activity
from iris_migrate.tui.widgets.panel import Panel
from iris_migrate.tui.widgets.soon import soon
from iris_migrate.tui.widgets.tones import hanging

if TYPE_CHECKING:
    from iris_migrate.engine.session import Session
    from iris_migrate.tui.agreed import AgreedOperator

REDRAW = 0.1  # seconds in which events are gathered before the screen is told


class DecommissionScreen(VisitPage):
    """The same list, gates, phrase and run as `iris-migrate decommission`. `wants` says where to go on."""

    AREA = "decommission"
    TITLE_IN_HEADER = "Decommission"
    CSS_PATH = "decommission.tcss"
    BINDINGS = bindings("decommission")
    HELP = (
        "What of the old side would go, by id, and what has to be so before it may. Looking changes nothing. Taking it"
        " down wants the phrase of exactly this list: then everything is archived, the old endpoint is switched off,"
        " and only what is on the list is deleted, as soon as every gate is open. Where time has to pass it ends, and"
        " goes on when it is started again; no machine has to stay awake."
    )

    def __init__(self, session: Session, operator: AgreedOperator) -> None:
        super().__init__(session)
        self.operator = operator
        self.listed: Listing | None = None
        self.wants = ""
        self._removing = Removing()
        self._ended = ""  # the sentence of the last run
        self._saves = ""
        self._gates: list[Row] = []
        self._dirty = False

    def body(self) -> Iterator[Widget]:
        yield Static("Looking at the old side …", id="state", markup=False)
        with Container(id="middle"):
            yield Panel(id="items", help="What would go, and where each thing stands; below it what stays.")
            yield OptionList(id="gates", markup=False)
        yield Static("", id="way", markup=False)
        yield Activity()

    def on_mount(self) -> None:
        self._thread = threading.get_ident()
        self._end_listening = self.session.listen(self._hear)
        self.session.key_listeners.append(self._tell_key)
        self.operator.where = self.session.where
        self.query_one("#items").border_title = "What goes"
        self.query_one("#gates").border_title = "Gates"
        self.set_interval(1.0, self._tick)
        self.run_worker(self._sitting(), name="visit")
        self.call_after_refresh(self.action_look)

    # What is there

    @property
    def step(self) -> Step | None:
        """The marked gate."""
        at = self.query_one("#gates", OptionList).highlighted if self.is_mounted else None
        gates = self.listed.gates if self.listed is not None else ()
        return self.board.step(gates[at].id) if at is not None and at < len(gates) else None

    @property
    def can_begin(self) -> bool:
        """There is something left to do, and nothing is being done."""
        return self.idle and self.listed is not None and self.listed.exit_code != 0

    @property
    def can_restore(self) -> bool:
        """Something is switched off, archived or gone that could be brought back."""
        return self.idle and self.listed is not None

    # Hearing the engine

    def _hear(self, event: Event) -> None:
        if threading.get_ident() != self._thread:
            self.app.call_from_thread(self._take, event)
        else:
            self._take(event)

    def _take(self, event: Event) -> None:
        self.board.hear(event)
        self._removing(event)
        self.redraw()

    def _tick(self) -> None:
        if self.visit.busy:
            self.redraw()

    def _tell_key(self, text: str, path: str) -> None:
        """A new key of the archive is shown once."""
        from iris_migrate.tui.widgets.dialogs import ToldDialog

        told = (
            "The archive is encrypted. This key is shown once; keep it where the archive is not:\n\n"
            f"{text}\n\nOn this machine it lies in {path}; elsewhere give it in IRIS_ARCHIVE_KEY."
        )
        self.app.call_later(self.app.push_screen, ToldDialog("The key of the archive", told))

    # Showing

    def redraw(self) -> None:
        """Show what has changed, soon and once."""
        if not self._dirty and self.is_mounted:
            self._dirty = True
            soon(self, REDRAW, self._draw)

    def _draw(self) -> None:
        self._dirty, self.shown = False, self.shown or (self.visit.begun and not self.visit.busy)
        self.tell_activity()
        if self.visit.begun:
            self.listed = found = listing(self.session, self.visit.result())
            items = self._removing.told(found.items, self.session.clock.now())
            self.query_one("#items", Panel).show("items", item_rows(items, found))
            self.query_one("#state", Static).update(Content(clean(self._state(found))))
            self.query_one("#way", Static).update(Content(clean(self._ended or way_line(found, self._saves))))
            self._show_gates(found)
        self.refresh_bindings()

    def _state(self, found: Listing) -> str:
        closed = len(found.closed)
        gates = "every gate is open" if not closed else f"{closed} gate{'s are' if closed > 1 else ' is'} closed"
        gone = len(found.items) - len(found.pending)
        return f"Old side in {found.where}: {gone} of {len(found.items)} gone · {gates}"

    def _show_gates(self, found: Listing) -> None:
        gates = self.query_one("#gates", OptionList)
        rows = [gate_row(gate, found) for gate in found.gates]
        before, self._gates = self._gates, rows
        if len(before) != len(rows):
            gates.clear_options()
            gates.add_options(Option(hanging(row)) for row in rows)
            closed = (at for at, gate in enumerate(found.gates) if not gate.status.settled)
            gates.highlighted = next(closed, 0)
            return
        for at, row in enumerate(rows):
            if before[at] != row:
                gates.replace_option_prompt_at_index(at, hanging(row))

    def on_option_list_option_highlighted(self) -> None:
        self.refresh_bindings()

    # Keys

    def action_look(self) -> None:
        deed = partial(self.visit.verify, None) if self.visit.begun else self.visit.begin
        self.do("looking at the old side", deed, self._looked)

    def _looked(self) -> None:
        self._ended = ""
        if not self._saves and self.session.aws.account:
            self.run_worker(self._ask_price(), name="price")

    async def _ask_price(self) -> None:
        from iris_migrate.engine.bill import saves

        self._saves = await saves(self.session)
        self.redraw()

    def action_begin(self) -> None:
        self.run_worker(self._begin(), group="asking")

    async def _begin(self) -> None:
        from iris_migrate.tui.widgets.dialogs import ConfirmDialog

        if (shown := self.listed) is None:
            return
        rows = list(asked_rows(shown))
        dialog = ConfirmDialog("Take the old side down", rows, RISKS["destroys"], shown.phrase, agree="Take down")
        if await self.show(dialog):
            self.do("taking the old side down", partial(self._take_down, shown.phrase))

    async def _take_down(self, phrase: str) -> None:
        """The engine's own run over all of it; what destroys asks whether what was agreed to is still so."""
        self.operator.agreed, self.operator.stopped = Agreed(self.session, phrase), ""
        try:
            await self.visit.run.look()
            if listing(self.session, self.visit.result()).phrase == phrase:
                await self.visit.run.all()
            else:
                self.operator.stopped = "The list is another one than was agreed to: look at it again"
        finally:
            self._tell_end()

    def _tell_end(self) -> None:
        found = listing(self.session, self.visit.result())
        stopped = f"{self.operator.stopped}. " if self.operator.stopped else ""
        self._ended = f"{stopped}{report.sentence(found)}"

    def action_restore(self) -> None:
        self._go("restore")

    def action_stop(self) -> None:
        self.operator.halted = True
        super().action_stop()

    def action_why(self) -> None:
        """All the evidence of the marked gate."""
        from iris_migrate.tui.widgets.dialogs import ToldDialog

        if (step := self.step) is not None:
            self.app.push_screen(ToldDialog(step.title, list(evidence_rows(self.visit.inspected(step.id)))))

    def action_export(self) -> None:
        from iris_migrate.tui.clipboard import save

        if self.listed is None:
            return
        folder = self.session.options.state_folder() / "saved"
        text = json.dumps(report.document(self.listed), indent=2, ensure_ascii=False)
        try:
            path = save(text, folder, "decommission-json", self.session.clock.now())
        except OSError as error:
            self.notify(f"It could not be saved: {error}", severity="error", markup=False)
            return
        self.notify(f"Saved in {path}", markup=False)

    def action_back(self) -> None:
        self._go("")

    def _go(self, where: str) -> None:
        self.wants = where
        self.run_worker(self._leave(self.visit.result() if self.visit.begun else None), group="leaving")
