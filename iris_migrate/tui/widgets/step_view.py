"""One step on the screen: its panel, and below it what belongs to it (output, journal, evidence, undo)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from iris_migrate.changes import Change
from iris_migrate.language.checklist import Step
from iris_migrate.redact import clean
from iris_migrate.resources.base import CannotUndo
from iris_migrate.symbols import SYMBOLS
from iris_migrate.target import Unreadable
from iris_migrate.tui.following import following
from iris_migrate.tui.telling import (
    Row,
    cause_rows,
    evidence_rows,
    failure_rows,
    offer_rows,
    phase_rows,
    plan_rows,
    step_rows,
)
from iris_migrate.tui.visit import Visit
from iris_migrate.tui.widgets.line_view import LineView
from iris_migrate.tui.widgets.lines import ShownLine
from iris_migrate.tui.widgets.panel import Panel
from iris_migrate.tui.widgets.panes import Pane, Panes, PaneTabs
from iris_migrate.tui.widgets.step_list import Place


class StepView(Vertical):
    """Shows a place of the checklist; the panes follow the marked step."""

    DEFAULT_CSS = """
    StepView #title { height: 1; padding: 0 1; text-style: bold; background: $panel; }
    StepView #panel { height: auto; max-height: 62%; min-height: 4; }
    StepView Panes { height: 1fr; min-height: 3; }
    StepView.-phase #panel { height: 1fr; max-height: 100%; }
    StepView.-phase Panes { display: none; }
    """

    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self.visit, self.board = visit, visit.board
        self._place = Place("")
        self._diff = False
        self._told = ""  # the title
        self.offered: tuple[str, tuple[Change, ...]] = ("", ())  # the step whose plan stands on the panel, and the plan
        self._followed: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static("", id="title", markup=False)
        yield Panel(
            id="panel",
            help="Why the step stands here, what is now, what would be done (d: in full) and what that risks.",
        )
        yield Panes()

    # Showing

    def show(self, place: Place) -> str:
        """Show a phase or a step; answers with where it is, in words."""
        moved = place != self._place
        self._place = place
        title = self._title(place)
        if title != self._told:
            self._told = title
            self.query_one("#title", Static).update(Content(title), layout=False)  # its one line stays where it is
        self.offered = ("", ())
        self.query_one("#panel", Panel).show(f"{place}{self._diff}", self._rows(place))
        self.set_class(not place.step, "-phase")
        if moved:
            output = self.query_one(Panes).output
            output.clear()
            output.feed(self.board.output(place.step) if place.step else ())
        self._refresh_pane()
        return title

    def _title(self, place: Place) -> str:
        if not place.phase:
            return ""
        phase = self.board.phase(place.phase)
        if not place.step:
            return clean(f"{phase.id} {phase.title}")
        step = self.board.step(place.step)
        status = self.board.status(step.id)
        sign = f"{SYMBOLS[status]} " if status else ""
        return clean(f"{sign}{self.board.number(step.id)} {step.title}")

    def _rows(self, place: Place) -> Iterator[Row]:
        if not place.step:
            if self.board.all_settled:
                yield Row("", "Everything holds. V looks at all of it again; Esc goes back; q quits.", "good")
                yield Row("", "")
            if place.phase:
                yield from phase_rows(self.board, place.phase)
            return
        step = self.board.step(place.step)
        failure, diagnosis = self.visit.failure(step.id), self.visit.diagnosis(step.id)
        self.offered = step.id, self.visit.plan(step.id)
        if failure is None:
            yield from cause_rows(diagnosis)
            yield from step_rows(self.board, step, self.visit.inspected(step.id), diff=self._diff)
            return
        mends, undoes = bool(self.visit.mending(step)), self.visit.can_undo(step)
        yield from failure_rows(failure, diagnosis, mends=mends, undoes=undoes)
        if self.offered[1]:
            yield from offer_rows(step, self.offered[1], full=self._diff)

    def toggle_diff(self) -> None:
        self._diff = not self._diff

    def wrote(self, step: str, lines: Sequence[ShownLine]) -> None:
        """A step's change wrote lines."""
        if step == self._place.step:
            self.query_one(Panes).output.feed(lines)

    # The panes

    async def open(self, pane: Pane) -> None:
        await self.query_one(Panes).open(pane)
        self._refresh_pane()

    def _refresh_pane(self) -> None:
        panes = self.query_one(Panes)
        step = self.board.step(self._place.step) if self._place.step else None
        match panes.pane:
            case Pane.EVIDENCE:
                rows = (
                    evidence_rows(self.visit.inspected(step.id)) if step else phase_rows(self.board, self._place.phase)
                )
                panes.query_one(f"#{Pane.EVIDENCE}", Panel).show(str(self._place), rows)
            case Pane.UNDO:
                panes.query_one(f"#{Pane.UNDO}", Panel).show(str(self._place), self._undo_rows(step))
            case Pane.JOURNAL:
                self._follow(step)

    def _undo_rows(self, step: Step | None) -> Iterator[Row]:
        if step is None:
            yield Row("", "Mark a step: undo belongs to one.", "muted")
            return
        try:
            changes = self.visit.undoing(step)
        except CannotUndo as reason:
            yield Row("", str(reason), "muted")
            return
        yield Row("", "u puts back what was before this step's first change:" if changes else "Nothing has to be done.")
        yield from plan_rows(changes, full=True)

    def _follow(self, step: Step | None) -> None:
        units = step.journal if step else ()
        if units == self._followed:
            return
        self._followed = units
        view = self.query_one(Panes).query_one(f"#{Pane.JOURNAL}", LineView)
        view.clear()
        tabs = self.query_one(PaneTabs)
        tabs.live = False
        if units:
            self.run_worker(self._feed(view, units), group="journal", exclusive=True, exit_on_error=False)
        else:
            self.workers.cancel_group(self, "journal")
            view.feed_text(["No unit's journal belongs to this step. l shows all logs."], 7)

    async def _feed(self, view: LineView, units: tuple[str, ...]) -> None:
        session, tabs = self.visit.session, self.query_one(PaneTabs)
        try:
            connection = await session.target.connection()
            tabs.live = True
            async for batch in following(connection, session.secrets, units):
                view.feed(batch)
        except Unreadable as error:
            view.feed_text([f"The journal cannot be followed now: {error}"], 4)
            self._followed = ()
        finally:
            tabs.live = False

    # What is focused

    def focused_text(self) -> tuple[str, str]:
        """What y copies, with a name for it: the focused part, else the panel."""
        panes = self.query_one(Panes)
        name = self._place.step or self._place.phase
        if panes.has_focus_within:
            shown = panes.query_one(f"#{panes.pane}")
            text = shown.text if isinstance(shown, Panel | LineView) else ""
            return f"{name}-{panes.pane}", text
        return name, f"{self._title(self._place)}\n{self.query_one('#panel', Panel).text}"

    def search(self, text: str) -> bool:
        """Look for a text in the lines that are shown."""
        panes = self.query_one(Panes)
        shown = panes.query_one(f"#{panes.pane}")
        return isinstance(shown, LineView) and shown.search(text)
