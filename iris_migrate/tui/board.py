"""Where every step stands while one works on a checklist: heard from the engine's events. Knows no widget."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from iris_migrate.engine.events import (
    ChangeEnded,
    ChangeIntended,
    Connected,
    ConnectionLost,
    Event,
    Output,
    Status,
    StepStatus,
    Waiting,
)
from iris_migrate.language.checklist import Checklist, Phase, Step
from iris_migrate.redact import clean
from iris_migrate.tui.widgets.lines import ShownLine

KEPT = 5_000  # lines of output kept for each step
_ERROR, _WARNING, _NOTICE = 3, 4, 5
# What a phase shows: the first of these that one of its steps has.
_FIRST = (
    Status.FAILED, Status.RUNNING, Status.INTERRUPTED, Status.NEEDS_OPERATOR, Status.CONVERGING, Status.STALE,
    Status.UNKNOWN, Status.READY, Status.WAITING, Status.WARNS,
)  # fmt: skip


class Board:
    """Statuses, counts and the lines that each step's changes wrote."""

    def __init__(self, checklist: Checklist) -> None:
        self.checklist = checklist
        self.statuses: dict[str, Status] = {}
        self.details: dict[str, str] = {}
        self.activity = ""  # what is happening right now, in one line
        self._before_lost = ""  # what was happening when the connection was lost
        self._output: dict[str, deque[ShownLine]] = {}
        self._steps = {step.id: step for step in checklist.steps}
        self._of_phase: dict[str, list[Step]] = {phase.id: [] for phase in checklist.phases}
        for step in checklist.steps:
            self._of_phase.setdefault(step.phase, []).append(step)
        self._numbers = {
            step.id: f"{phase}.{number}"
            for phase, steps in self._of_phase.items()
            for number, step in enumerate(steps, 1)
        }

    # Asking

    def step(self, step_id: str) -> Step:
        return self._steps[step_id]

    def steps(self, phase: str) -> list[Step]:
        return self._of_phase[phase]

    def phase(self, phase_id: str) -> Phase:
        return next(phase for phase in self.checklist.phases if phase.id == phase_id)

    def number(self, step_id: str) -> str:
        """The step's place, as 3.2: the second of phase 3."""
        return self._numbers[step_id]

    def status(self, step_id: str) -> Status | None:
        """None: not looked at yet."""
        return self.statuses.get(step_id)

    def settled(self, steps: Iterable[Step]) -> int:
        return sum(1 for step in steps if (status := self.statuses.get(step.id)) is not None and status.settled)

    def phase_status(self, phase: str) -> Status | None:
        """The status that tells most about a phase."""
        found = {self.statuses.get(step.id) for step in self.steps(phase)}
        if None in found or not found:
            return None if not (found - {None}) else Status.READY
        return next((status for status in _FIRST if status in found), Status.HOLDS)

    @property
    def all_settled(self) -> bool:
        return bool(self._steps) and self.settled(self.checklist.steps) == len(self._steps)

    def next_open(self, after: str = "") -> Step | None:
        """The next step after this one that something can be done about; from the top when there is none below."""
        steps = list(self.checklist.steps)
        at = next((i + 1 for i, step in enumerate(steps) if step.id == after), 0)
        for step in (*steps[at:], *steps[:at]):
            status = self.statuses.get(step.id)
            if status is not None and not status.settled and status is not Status.WAITING:
                return step
        return None

    def output(self, step_id: str) -> deque[ShownLine]:
        """The newest lines of a step's changes."""
        return self._output.setdefault(step_id, deque(maxlen=KEPT))

    # Hearing

    def hear(self, event: Event) -> tuple[str, list[ShownLine]]:
        """Take an event in; answers with the lines that it adds to a step's output."""
        match event:
            case StepStatus(step=step, status=status, detail=detail):
                self.statuses[step], self.details[step] = status, clean(detail)
                return "", []
            case ChangeIntended(step=step, change=change):
                self.activity = change.says
                return self._add(step, event.at, _NOTICE, f"▶ {change.says}")
            case ChangeEnded(step=step, state="done"):
                return self._add(step, event.at, _NOTICE, "✓ done")
            case ChangeEnded(step=step, state=state, error=error):
                level = _ERROR if state == "failed" else _WARNING
                return self._add(step, event.at, level, f"{state}: {error}")
            case Output(step=step, lines=lines):
                return self._add(step, event.at, 6, *lines)
            case Waiting(step=step, what=what, seconds=seconds):
                self.activity = f"{clean(what)} (at most {seconds:.0f} s more)"
            case ConnectionLost(detail=detail):
                self._before_lost = self._before_lost or self.activity
                self.activity = f"Connection lost; it is made again, what runs on the host goes on. {clean(detail)}"
            case Connected(what="host") if self._before_lost:
                self.activity, self._before_lost = self._before_lost, ""
        return "", []

    def _add(self, step: str, at: float, level: int, *texts: str) -> tuple[str, list[ShownLine]]:
        lines = [ShownLine(line, level, at) for text in texts for line in clean(text).splitlines() or [""]]
        self.output(step).extend(lines)
        return step, lines
