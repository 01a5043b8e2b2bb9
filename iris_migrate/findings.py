"""What an inspection says: the verdict, the evidence for it, and the outputs that other steps may name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """The state of one sentence about the world."""

    HOLDS = "holds"
    DIFFERS = "differs"
    ABSENT = "absent"
    CONVERGING = "converging"  # on its way by itself
    WARNS = "warns"
    UNKNOWN = "unknown"  # cannot be read, or means nothing before another step

    @property
    def plans(self) -> bool:
        """Whether a plan is meant to follow from it."""
        return self in (Verdict.DIFFERS, Verdict.ABSENT)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was looked at. All four are shown to people: no secrets, no control sequences."""

    asked: str
    expected: str
    seen: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of `inspect`.

    `outputs` may be named by other steps. `facts` is what `plan` and `undo` of the same class need besides
    (plain data only: it is kept in the record as the state before a change). `until` is seconds since the epoch,
    for `converging` the time at which looking again makes sense or waiting is over.
    """

    verdict: Verdict
    evidence: tuple[Evidence, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    until: float | None = None
    waits_for: str = ""  # for `unknown`: the step before which it cannot be told
    lasting: bool = False  # waiting does not help: somebody has to decide

    @property
    def holds(self) -> bool:
        return self.verdict is Verdict.HOLDS


def judge(asked: str, expected: object, seen: object, *, otherwise: Verdict = Verdict.DIFFERS) -> Evidence:
    """Evidence that holds when seen equals expected."""
    return Evidence(asked, str(expected), str(seen), Verdict.HOLDS if expected == seen else otherwise)


_WORST = (Verdict.UNKNOWN, Verdict.ABSENT, Verdict.DIFFERS, Verdict.CONVERGING, Verdict.WARNS, Verdict.HOLDS)


def conclude(
    evidence: list[Evidence],
    outputs: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    *,
    reason: str = "",
    until: float | None = None,
    lasting: bool = False,
) -> Finding:
    """A finding whose verdict is the worst of its evidence; nothing looked at is `unknown`, never `holds`."""
    verdict = min((item.verdict for item in evidence), key=_WORST.index, default=Verdict.UNKNOWN)
    if verdict is Verdict.UNKNOWN and not reason:
        unread = [item for item in evidence if item.verdict is Verdict.UNKNOWN]
        reason = "; ".join(f"{item.asked}: {item.seen}" for item in unread) or "nothing was looked at"
    return Finding(verdict, tuple(evidence), outputs or {}, facts or {}, reason, until, lasting=lasting)


def unknown(reason: str, *, waits_for: str = "") -> Finding:
    """A finding for what cannot be read, or not yet."""
    return Finding(Verdict.UNKNOWN, reason=reason, waits_for=waits_for)
