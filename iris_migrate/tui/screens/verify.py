"""Verify: every step looked at anew; what was lost on top, with what was seen then and now. Changes nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.engine.verification import Verification
from iris_migrate.redact import clean
from iris_migrate.reports.text import summary_line, waiver_words, when
from iris_migrate.symbols import SYMBOLS
from iris_migrate.tui.commands import bindings
from iris_migrate.tui.screens.page import Page
from iris_migrate.tui.telling import Row, tone_of
from iris_migrate.tui.widgets.panel import Panel
from iris_migrate.tui.widgets.search import SearchLine

if TYPE_CHECKING:
    from iris_migrate.engine.session import Session

LIMIT = 120.0  # seconds for one look at everything
NAME, STATE = 22, 14  # cells for a step's name and how it stands


class VerifyScreen(Page[str | None]):
    """Answers with a step to open in the checklist, or None to go back."""

    AREA = "verify"
    TITLE_IN_HEADER = "Verify"
    CSS_PATH = "verify.tcss"
    BINDINGS = bindings("verify")
    HELP = (
        "Every step, looked at anew; nothing is changed. What held before and does not hold now stands on top. The"
        " panel shows what was expected, what is seen, and what was seen when it held. Enter opens the step in the"
        " checklist."
    )

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.result: CheckResult | None = None
        self.busy = True
        self._verification = Verification(session)
        self._wanted = ""
        self._shown: tuple[StepResult, ...] = ()

    def body(self) -> Iterator[Widget]:
        yield Static("", id="state", markup=False)
        steps = OptionList(id="steps", markup=False)
        steps.border_title, steps.border_subtitle = "Steps", "how it stands · the look took · it held last"
        yield steps
        yield Panel(id="told", help="What speaks for or against the marked step.")
        yield SearchLine("Show only steps with:", id="filter")

    def on_mount(self) -> None:
        self.action_all()

    def on_resize(self) -> None:
        if self.result is not None:
            self._list()

    # What the commands ask

    @property
    def ready(self) -> bool:
        """Whether there is something to mark and nothing is being looked at."""
        return not self.busy and self.marked is not None

    @property
    def filtering(self) -> bool:
        """The line for the filter is open: Enter is its own."""
        return bool(self.query_one("#filter", SearchLine).display)

    @property
    def marked(self) -> StepResult | None:
        """The marked step."""
        at = self.query_one("#steps", OptionList).highlighted if self.is_mounted else None
        return self._shown[at] if at is not None and at < len(self._shown) else None

    # Looking

    def action_all(self) -> None:
        self._look(None)

    def action_one(self) -> None:
        if (step := self.marked) is not None:
            self._look([step.id])

    def _look(self, only: Sequence[str] | None) -> None:
        self.busy = True
        what = "every step" if only is None else only[0]
        self.query_one("#state", Static).update(Content(f"Looking at {what} …"))
        self.refresh_bindings()
        self.run_worker(self._looking(only), name="look", exclusive=True)

    async def _looking(self, only: Sequence[str] | None) -> None:
        told = await self._verification.look(only, within=LIMIT)
        if only is None or self.result is None:
            self.result = told
        else:
            self.result = _with(self.result, told)
        self.busy = False
        self._list()

    # Showing

    def _list(self) -> None:
        """The table: lost first, then open, then the rest; each in the checklist's order."""
        assert self.result is not None
        before = self.marked.id if self.marked is not None else ""
        steps = [step for step in self.result.steps if self._wanted in _line(step, 400).lower()]
        self._shown = tuple(sorted(steps, key=_rank))
        listed = self.query_one("#steps", OptionList)
        width = max(40, self.size.width - 5)  # frame, padding, and a scrollbar that is always thought of
        listed.clear_options()
        listed.add_options(
            Option(Content(_line(step, width, narrow=self.has_class("-narrow")))) for step in self._shown
        )
        if self._shown:
            names = [step.id for step in self._shown]
            listed.highlighted = names.index(before) if before in names else 0
        lost = len(self.result.lost)
        head = f"{lost} held before and {'does' if lost == 1 else 'do'} not hold now · " if lost else ""
        only = f" · only {self._wanted!r}" if self._wanted else ""
        said = f"{head}{summary_line(self.result)}{only}"
        if cell_len(said) > self.size.width:  # how many stand elsewhere is seen in the list
            said = f"{head}{summary_line(self.result).partition(':')[0]}{only}"
        self.query_one("#state", Static).update(Content(clean(said)))
        self._panel()
        self.refresh_bindings()

    def on_option_list_option_highlighted(self) -> None:
        self._panel()

    def _panel(self) -> None:
        step = self.marked
        rows = tuple(_rows(step, self.result)) if step is not None and self.result is not None else ()
        self.query_one("#told", Panel).show(step.id if step else "", rows)

    # Commands

    async def action_filter(self) -> None:
        await self.query_one("#filter", SearchLine).open()

    def on_search_line_sought(self, event: SearchLine.Sought) -> None:
        self._wanted = clean(event.text).lower()
        event.line.action_close()
        if self.result is not None:
            self._list()

    def action_open(self) -> None:
        if (step := self.marked) is not None:
            self.dismiss(step.id)

    def on_option_list_option_selected(self) -> None:
        self.action_open()

    def action_export(self) -> None:
        from iris_migrate.reports.junit import document
        from iris_migrate.tui.clipboard import save

        assert self.result is not None
        folder, now = self.session.options.state_folder() / "saved", self.session.clock.now()
        try:
            data = save(json.dumps(self.result.document(), indent=2, ensure_ascii=False), folder, "verify-json", now)
            save(document([self.result]), folder, "verify-junit", now)
        except OSError as error:
            self.notify(f"It could not be saved: {error}", severity="error", markup=False)
            return
        self.notify(f"Saved as JSON and JUnit XML in {data.parent}", markup=False)

    def action_copy(self) -> None:
        from iris_migrate.tui.clipboard import copied

        folder = self.session.options.state_folder() / "saved"
        text = self.query_one("#told", Panel).text
        self.notify(copied(self.app, text, folder, "verify", self.session.clock.now()), markup=False)

    def action_back(self) -> None:
        if self._wanted:
            self._wanted = ""
            self._list()
            return
        self.workers.cancel_node(self)
        self.dismiss(None)


def _with(whole: CheckResult, part: CheckResult) -> CheckResult:
    """The newest of each step."""
    from dataclasses import replace

    newer = {step.id: step for step in part.steps}
    return replace(whole, steps=tuple(newer.get(step.id, step) for step in whole.steps), at=part.at)


def _rank(step: StepResult) -> int:
    return 0 if step.lost else 1 if not step.status.settled else 2 if step.waiver is not None else 3


def _line(step: StepResult, width: int, *, narrow: bool = False) -> str:
    """State, name, what was expected and seen, how long it took, when it last held; cut to the width.

    Where there is no room for what was seen, the title stands in its place and the panel tells the rest.
    """
    held = time.strftime("%d %b %H:%M", time.localtime(step.held.at)) if step.held else "never held"
    end = f"{_took(step)}  {held:>12}"
    wrong = next(iter(step.wrong), None)
    said = f"{wrong.asked}: expected {wrong.expected}, seen {wrong.seen}" if wrong else step.detail or step.title
    state = "does not hold" if step.status.value == "ready" else step.status.value.replace("-", " ")
    head = f"{SYMBOLS[step.status]} "
    if not narrow:
        head += f"{set_cell_size(step.id, NAME)} {set_cell_size(state, STATE)} "
    else:
        said, end = step.title, f"{set_cell_size(state, STATE)} {end}"
    room = max(0, width - cell_len(head) - cell_len(end) - 1)
    return clean(f"{head}{_cut(said, room)} {end}")


def _cut(text: str, room: int) -> str:
    """One line of so many cells, with a sign where it was longer."""
    line = " ".join(text.split())
    return set_cell_size(line, room) if cell_len(line) <= room else set_cell_size(line, max(0, room - 1)) + "…"


def _took(step: StepResult) -> str:
    return f"{step.seconds:5.1f} s"


def _rows(step: StepResult, result: CheckResult) -> Iterator[Row]:
    yield Row("", step.title, "head")
    if step.lost and step.held is not None:
        yield Row("Lost", f"held {when(step.held.at)}, does not hold now", "bad")
    if step.waiver is not None:
        yield Row("Waiver", clean(waiver_words(step, result.at)), "warn")
    if step.detail:
        yield Row("Now", clean(step.detail), tone_of(step.status))
    for item in step.evidence:
        good = item not in step.wrong
        yield Row("", clean(f"{'✓' if good else '✗'} {item.asked}: {item.seen}"), "good" if good else "bad")
        if not good:
            yield Row("", clean(f"  expected {item.expected}"))
            if step.held is not None and (then := step.held.before(item.asked)):
                yield Row("", clean(f"  when it held: {then}"), "muted")
    yield from (Row("Why", clean(hint)) for hint in step.hints)
