"""What happens, told line by line: for runs without a screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iris_migrate.engine.events import (
    ChangeEnded,
    ChangeIntended,
    Connected,
    Event,
    Output,
    Status,
    StepStatus,
    Waiting,
)
from iris_migrate.language.checklist import Checklist

SYMBOLS = {
    Status.HOLDS: "✓", Status.CONFIRMED: "✓", Status.WARNS: "!", Status.WAIVED: "–", Status.LEFT_OUT: "–",
    Status.FAILED: "✗", Status.UNKNOWN: "?", Status.RUNNING: "▶", Status.CONVERGING: "◌", Status.WAITING: "⧗",
    Status.READY: "·", Status.NEEDS_OPERATOR: "?", Status.STALE: "!", Status.INTERRUPTED: "!",
}  # fmt: skip


@dataclass
class Narrator:
    """Hears events and says those that a reader wants to know of."""

    say: Callable[[str], None]
    checklist: Checklist

    def __call__(self, event: Event) -> None:
        match event:
            case StepStatus(step=step, status=status, detail=detail) if status in _TOLD:
                self.say(f"{SYMBOLS[status]} {step}  {status.value}{f': {detail}' if detail else ''}")
            case ChangeIntended(change=change):
                self.say(f"  ▶ {change.says}")
            case ChangeEnded(state=state, error=error) if state != "done":
                self.say(f"  {state}{f': {error}' if error else ''}")
            case Output(lines=lines):
                for line in lines:
                    self.say(f"    | {line}")
            case Waiting(what=what, seconds=seconds):
                self.say(f"  ◌ {what} (at most {seconds:.0f} s more)")
            case Connected(what=what, detail=detail):
                self.say(f"connected to {what}: {detail}")


_TOLD = frozenset(Status) - {Status.READY, Status.WAITING, Status.RUNNING}
