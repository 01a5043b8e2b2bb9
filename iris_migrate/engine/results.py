"""What a run or an inspection came to: one row a step, a summary, and the exit code that follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from iris_migrate.engine.events import Status
from iris_migrate.engine.inspection import Inspected
from iris_migrate.engine.record import Waiver
from iris_migrate.exits import MISSING, OK, WAITING, WRONG, connection_missing
from iris_migrate.findings import Evidence, Verdict
from iris_migrate.language.checklist import Checklist

if TYPE_CHECKING:
    from iris_migrate.engine.diagnosis import Diagnosis

_WAITS = (Status.NEEDS_OPERATOR, Status.CONVERGING)
_LOST = (Status.READY, Status.FAILED, Status.STALE, Status.NEEDS_OPERATOR, Status.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Held:
    """When a step was seen to hold, and by which evidence."""

    at: float
    evidence: tuple[Evidence, ...] = ()

    def before(self, asked: str) -> str:
        """What was seen then when the same was asked; empty when it was not asked."""
        return next((item.seen for item in self.evidence if item.asked == asked), "")


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step: `detail` is the reason, the rule, the waiver or who confirmed it."""

    id: str
    phase: str
    title: str
    status: Status
    detail: str
    evidence: tuple[Evidence, ...]
    seconds: float
    critical: bool = True
    missing: bool = False  # it could not be read for want of a connection or a permission
    held: Held | None = None  # when it was seen to hold before this look
    waiver: Waiver | None = None  # the newest, also one that has run out
    hints: tuple[str, ...] = ()  # for one that does not hold: the likely cause, or where to look

    @property
    def lost(self) -> bool:
        """Whether it held before and is seen not to hold now. What could not be read is not known to be lost."""
        return self.held is not None and self.status in _LOST

    def waived(self, now: float) -> bool:
        """Whether its waiver still counts."""
        return self.waiver is not None and (self.waiver.until is None or self.waiver.until > now)

    @property
    def wrong(self) -> tuple[Evidence, ...]:
        """The evidence that speaks against it."""
        return tuple(item for item in self.evidence if item.verdict is not Verdict.HOLDS)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A whole checklist, as `--format json` gives it (design 5)."""

    checklist: str
    title: str
    digest: str
    at: float
    steps: tuple[StepResult, ...]
    phases: Mapping[str, str] = field(default_factory=dict)
    diagnosis: Diagnosis | None = None  # why steps do not hold, where that was asked
    host: str = ""  # which one, where several are looked at
    seconds: float = 0.0  # of the whole look
    compared: str = ""  # what it is compared with, in words

    @property
    def summary(self) -> dict[str, int]:
        """How many steps stand where, the names of `Status`."""
        return dict(Counter(step.status.value for step in self.steps))

    @property
    def exit_code(self) -> int:
        """0 all settled · 1 something does not hold · 3 no way to look · 4 only the operator or time is waited for."""
        open_ = [step for step in self.steps if not step.status.settled and (step.critical or self.overdue(step))]
        if not open_:
            return OK
        if any(step.missing for step in open_):
            return MISSING
        blocking = [step for step in open_ if step.status is not Status.WAITING]
        return WAITING if blocking and all(step.status in _WAITS for step in blocking) else WRONG

    def status(self, step: str) -> Status:
        """Where one step stands. KeyError when there is none."""
        for found in self.steps:
            if found.id == step:
                return found.status
        raise KeyError(step)

    @property
    def lost(self) -> tuple[StepResult, ...]:
        """The steps that held before and do not now."""
        return tuple(step for step in self.steps if step.lost)

    def overdue(self, step: StepResult) -> bool:
        """Whether a waiver of this step has run out: then it counts, also where the step is not critical."""
        return step.waiver is not None and not step.waived(self.at)

    def only(self, ids: Collection[str]) -> CheckResult:
        """The part of it that is about these steps."""
        steps = tuple(step for step in self.steps if step.id in ids)
        phases = {id_: title for id_, title in self.phases.items() if any(step.phase == id_ for step in steps)}
        return replace(self, steps=steps, phases=phases)

    def document(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "checklist": self.checklist,
            "digest": self.digest,
            **({"host": self.host} if self.host else {}),
            "summary": self.summary,
            "regressions": [
                {"id": step.id, "held": step.held.at, "then": _plain(step.held.evidence), "now": _plain(step.evidence)}
                for step in self.lost
                if step.held is not None
            ],
            "waivers": [
                {
                    "id": step.id, "reason": step.waiver.reason, "who": step.waiver.who, "since": step.waiver.at,
                    "until": step.waiver.until, "expired": self.overdue(step),
                }
                for step in self.steps
                if step.waiver is not None
            ],
            "steps": [
                {
                    "id": step.id, "phase": step.phase, "title": step.title, "status": step.status.value,
                    "detail": step.detail,
                    "evidence": _plain(step.evidence), "seconds": round(step.seconds, 4),
                    "held": step.held.at if step.held else None, "hints": list(step.hints),
                    **self._causes(step.id),
                }
                for step in self.steps
            ],
        }  # fmt: skip

    def _causes(self, step: str) -> dict[str, Any]:
        """The causes of a step that facts named; no key where there are none."""
        named = self.diagnosis.of(step) if self.diagnosis else ()
        told = [
            {"id": cause.id, "says": cause.says, "remedy": cause.remedy.says, "steps": list(cause.remedy.steps)}
            for cause in named
        ]
        return {"causes": told} if told else {}


def _plain(evidence: Iterable[Evidence]) -> list[dict[str, str]]:
    return [
        {"asked": item.asked, "expected": item.expected, "seen": item.seen, "verdict": item.verdict.value}
        for item in evidence
    ]


def result_of(
    checklist: Checklist, found: Mapping[str, Inspected], status: Mapping[str, tuple[Status, str]], at: float
) -> CheckResult:
    """The result from what was found and where each step stands."""
    steps = tuple(
        StepResult(
            step.id, step.phase, step.title, *status.get(step.id, (Status.UNKNOWN, "not looked at")),
            found[step.id].finding.evidence if step.id in found else (),
            found[step.id].seconds if step.id in found else 0.0, step.critical,
            step.id in found and connection_missing(found[step.id].error),
        )
        for step in checklist.steps
    )  # fmt: skip
    phases = {phase.id: phase.title for phase in checklist.phases}
    return CheckResult(checklist.name, checklist.title, checklist.digest, at, steps, phases)
