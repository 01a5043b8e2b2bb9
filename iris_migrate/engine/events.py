"""What the engine says while it works: frozen data that frontends and the record hear (docs/events.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from iris_migrate.changes import Change
from iris_migrate.findings import Finding


class Status(StrEnum):
    """Where a step stands in a run."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    CONVERGING = "converging"
    HOLDS = "holds"
    WARNS = "warns"
    STALE = "stale"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NEEDS_OPERATOR = "needs-operator"
    CONFIRMED = "confirmed"
    WAIVED = "waived"
    LEFT_OUT = "left-out"
    INTERRUPTED = "interrupted"

    @property
    def settled(self) -> bool:
        """Whether the steps after it may go on."""
        return self in _SETTLED


_SETTLED = frozenset({Status.HOLDS, Status.WARNS, Status.CONFIRMED, Status.WAIVED, Status.LEFT_OUT})


@dataclass(frozen=True, slots=True)
class Event:
    """`at` is seconds since the epoch on the engine's clock."""

    at: float


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    run: int
    checklist: str
    digest: str
    changed_since: tuple[str, ...] = ()  # what differs from the checklist of the last run


@dataclass(frozen=True, slots=True)
class RunEnded(Event):
    run: int
    how: str  # done | stopped | failed | interrupted


@dataclass(frozen=True, slots=True)
class StepInspected(Event):
    step: str
    finding: Finding
    seconds: float


@dataclass(frozen=True, slots=True)
class StepStatus(Event):
    step: str
    status: Status
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PlanShown(Event):
    step: str
    changes: tuple[Change, ...]
    again: str = ""  # why it is shown again


@dataclass(frozen=True, slots=True)
class ChangeIntended(Event):
    """The intent is in the record; nothing was sent yet."""

    step: str
    change_id: str
    change: Change


@dataclass(frozen=True, slots=True)
class ChangeCarriedOut(Event):
    """The world has answered; the result is not in the record yet."""

    step: str
    change_id: str


@dataclass(frozen=True, slots=True)
class ChangeEnded(Event):
    """The result is in the record. `state`: done | failed | already so | interrupted | found."""

    step: str
    change_id: str
    state: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Output(Event):
    """Lines that a change wrote, in batches; free of control sequences and secrets."""

    step: str
    change_id: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """Something is waited for: a boot, a rate limit, a name; `seconds` at most."""

    step: str
    what: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Connected(Event):
    """A connection is open. `what`: aws | host."""

    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class ConnectionLost(Event):
    what: str
    detail: str


Listener = Callable[[Event], None]
