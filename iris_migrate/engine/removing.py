"""What is happening to the list of a decommission right now: heard from the engine's events, item by item."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from iris_migrate.engine.decommission import Listed
from iris_migrate.engine.events import ChangeEnded, ChangeIntended, Event, Status, StepStatus, Waiting

REMOVING, WAITING = "removing", "waiting"


@dataclass
class Removing:
    """Listens to a run. What is pending of the step that is worked on is being removed, or waits and says for what."""

    step: str = ""
    _waits_for: str = ""
    _until: float = 0.0  # seconds since the epoch

    def __call__(self, event: Event) -> None:
        match event:
            case StepStatus(step=step, status=Status.RUNNING):
                self.step, self._waits_for = step, ""
            case StepStatus(step=step, status=Status.CONVERGING, detail=detail):
                self.step, self._waits_for, self._until = step, detail, 0.0
            case StepStatus(step=self.step):
                self.step, self._waits_for = "", ""
            case Waiting(step=step, what=what, seconds=seconds, at=at) if step in ("", self.step):
                self._waits_for, self._until = what, at + seconds
            case ChangeIntended() | ChangeEnded():
                self._waits_for = ""

    def told(self, items: Iterable[Listed], now: float) -> tuple[Listed, ...]:
        """The list as it stands; `pending` of the step at work becomes `removing`, or `waiting` with what for."""
        return tuple(
            replace(item, state=WAITING if self._waits_for else REMOVING, why=self._why(now))
            if item.step == self.step and item.state == "pending"
            else item
            for item in items
        )

    def _why(self, now: float) -> str:
        left = self._until - now
        return f"{self._waits_for}, {left:.0f} s" if self._waits_for and left >= 1.0 else self._waits_for
