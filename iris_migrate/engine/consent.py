"""What a run asks of the person at it: consent to a plan, answers, choices after a failure. Frontends implement it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from iris_migrate.changes import Change, OperatorAsk
from iris_migrate.encoding import canonical
from iris_migrate.findings import Evidence, Finding
from iris_migrate.language.checklist import Step
from iris_migrate.values import digest, fill

if TYPE_CHECKING:
    from iris_migrate.engine.diagnosis import Diagnosis


class Choice(StrEnum):
    APPLY = "apply"
    SKIP = "skip"  # leave the step as it is and go on with those that do not need it
    WAIVE = "waive"
    RETRY = "retry"
    UNDO = "undo"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Decision:
    choice: Choice
    reason: str = ""  # for a waiver
    until: float | None = None  # seconds since the epoch: when a waiver ends


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step did not come to hold: what a person needs to decide what to do next."""

    step: Step
    why: str
    evidence: tuple[Evidence, ...] = ()
    change: Change | None = None
    lines: tuple[str, ...] = ()  # what the change wrote
    journal: tuple[str, ...] = ()  # the host's journal while this step ran
    put_back: bool = False
    missing: bool = False  # a connection or a permission is missing: waiting and retrying alone do not help
    diagnosis: Diagnosis | None = None  # the causes that facts name, asked for when it failed


class Operator(Protocol):
    """The person, or what stands for them. Each answer may stop the run.

    `patience` is the time in seconds for which a deed that nobody answers for is waited for, at most the step's own.
    """

    patience: float

    async def consent(self, step: Step, finding: Finding, changes: Sequence[Change], again: str) -> Decision:
        """Show a plan in full and ask. `again` says why it is shown a second time."""
        ...

    async def answer(self, step: Step, ask: OperatorAsk) -> tuple[str, str] | Decision | None:
        """What the operator says, and who said it; a decision not to answer; None when nobody does now.

        After None the run looks again, and asks again, until `patience` is over.
        """
        ...

    async def failed(self, failure: Failure) -> Decision: ...
    async def secret(self, name: str, where: str) -> str | None:
        """Type a secret; None when nobody does."""
        ...

    async def trust_host_key(self, address: str, fingerprint: str) -> bool: ...
    async def take_over(self, holder: str, since: float) -> bool:
        """Another run holds the lease: take it over?"""
        ...


def confirmation(where: str, changes: Sequence[Change]) -> str:
    """The phrase that agrees to what destroys: bound to account, region and exactly this list."""
    return f"destroy in {where} {digest(*(canonical(change) for change in changes))[:8]}"


def inside(changes: Sequence[Change], consented: Sequence[Change]) -> bool:
    """Whether every change was consented to: the same, or the same with what was unresolved filled in."""
    return all(any(_same(change, agreed) for agreed in consented) for change in changes)


def _same(change: Change, agreed: Change) -> bool:
    if change == agreed:
        return True
    if type(change) is not type(agreed):
        return False
    names = [field.name for field in fields(change)]
    return all(_fits(getattr(change, name), getattr(agreed, name)) for name in names)


def _fits(now: object, shown: object) -> bool:
    """Equal up to the filling of what was shown as not known yet."""
    if now == shown:
        return True
    from iris_migrate.values import SPECIALS, Text, Unresolved

    if isinstance(shown, Unresolved):
        return not isinstance(now, SPECIALS)
    if isinstance(shown, Text):
        return _text_fits(str(fill(now, str)), shown)
    if isinstance(shown, dict) and isinstance(now, dict):
        return shown.keys() == now.keys() and all(_fits(now[name], shown[name]) for name in shown)
    if isinstance(shown, tuple | list) and isinstance(now, tuple | list):
        return len(shown) == len(now) and all(_fits(a, b) for a, b in zip(now, shown, strict=True))
    return False


def _text_fits(now: str, shown: object) -> bool:
    import re

    from iris_migrate.values import Text, Unresolved

    assert isinstance(shown, Text)
    pattern = "".join(".*" if isinstance(part, Unresolved) else re.escape(str(part)) for part in shown.parts)
    return re.fullmatch(pattern, now, re.DOTALL) is not None
