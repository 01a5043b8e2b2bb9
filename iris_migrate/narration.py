"""What happens, told line by line: for runs without a screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from iris_migrate.engine.events import (
    ChangeEnded,
    ChangeIntended,
    Connected,
    ConnectionLost,
    Event,
    Output,
    RunStarted,
    Status,
    StepStatus,
    Waiting,
)
from iris_migrate.language.checklist import Checklist
from iris_migrate.symbols import SYMBOLS

WAITING_EVERY = 10.0  # seconds between two lines about the same waiting


@dataclass
class Narrator:
    """Hears events and says those that a reader wants to know of.

    `brief` leaves out how steps were found at first: an overview has said it already.
    """

    say: Callable[[str], None]
    checklist: Checklist
    brief: bool = False
    _known: dict[str, Status] = field(default_factory=dict)
    _waiting: dict[str, tuple[str, float]] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        match event:
            case StepStatus(step=step, status=status, detail=detail):
                self._status(step, status, detail)
            case ChangeIntended(change=change):
                self.say(f"  ▶ {change.says}")
            case ChangeEnded(state=state, error=error) if state not in (
                "done",
                "failed",
            ):  # failures are the operator's
                self.say(f"  {state}{f': {error}' if error else ''}")
            case Output(lines=lines):
                for line in lines:
                    self.say(f"    | {line}")
            case Waiting():
                self._wait(event)
            case Connected(what=what, detail=detail):
                self.say(f"{what}: {detail}")
            case ConnectionLost(detail=detail):
                self.say(f"! {detail} It is made again; what runs on the host goes on.")
            case RunStarted(changed_since=changed) if changed:
                self.say(f"Changed in the checklist since the last run: {', '.join(changed)}")

    def _status(self, step: str, status: Status, detail: str) -> None:
        before = self._known.get(step)
        self._known[step] = status
        told = _TOLD - _FOUND if self.brief else _TOLD
        news = status in _LOUD or (status in told and (not self.brief or before is not None))
        if news and before is not status:
            self.say(f"{SYMBOLS[status]} {step}  {status.value}{f': {detail}' if detail else ''}")

    def _wait(self, event: Waiting) -> None:
        what, last = self._waiting.get(event.step, ("", 0.0))
        if what == event.what and event.at - last < WAITING_EVERY:
            return
        self._waiting[event.step] = (event.what, event.at)
        seconds = f"{event.seconds:.0f}" if event.seconds >= 1 else f"{event.seconds:.1f}"
        self.say(f"  ◌ waiting: {event.what} (at most {seconds} s more)")


_TOLD = frozenset(Status) - {Status.READY, Status.WAITING, Status.RUNNING, Status.FAILED}
_FOUND = frozenset({Status.UNKNOWN, Status.LEFT_OUT})
_LOUD = frozenset({Status.INTERRUPTED})
