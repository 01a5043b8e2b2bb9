"""What the step panel says, as rows of label and text: a step, a phase, a failure. Knows no widget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from iris_migrate.changes import Change, HostFile, LocalEdit
from iris_migrate.describe import details, summary
from iris_migrate.engine.consent import Failure
from iris_migrate.engine.events import Status
from iris_migrate.engine.inspection import Inspected
from iris_migrate.findings import Evidence, Verdict
from iris_migrate.language.checklist import Step
from iris_migrate.symbols import SYMBOLS
from iris_migrate.tui.board import Board

if TYPE_CHECKING:
    from iris_migrate.engine.diagnosis import Diagnosis
    from iris_migrate.tui.visit import Plan

RISKS = {
    "none": "none",
    "costs": "it costs money",
    "interrupts": "it interrupts the service",
    "destroys": "it destroys, and cannot simply be put back",
}
CHOICES = "r retry · e edit settings · p ask the facts again · w waive with a reason · n go on"
UNDOES = " · u undo"
MENDS = "m carries the remedy out: its plan is shown first · "
NOW_SHOWN = 4  # lines of evidence in the panel; all of it is in the Evidence tab
JOURNAL_SHOWN = 12
OUTPUT_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `tone`: good | bad | warn | muted | add | remove | code | head, or none."""

    label: str
    text: str
    tone: str = ""


def step_rows(board: Board, step: Step, inspected: Inspected | None, *, diff: bool) -> Iterator[Row]:
    """Why, what is now, what would be done, and what that risks."""
    if why := " ".join(step.why.split()):
        yield Row("", why)
        yield Row("", "")
    status = board.status(step.id)
    if inspected is None or status is None:
        yield Row("Now", "not looked at yet", "muted")
        return
    yield from _now(board, step, inspected, status)
    changes = plan_of(inspected, status)
    if changes:
        yield from offer_rows(step, changes, full=diff)


def offer_rows(step: Step, changes: Sequence[Change], *, full: bool) -> Iterator[Row]:
    """The plan with what it risks."""
    yield from plan_rows(changes, full=full)
    yield Row("Risk", RISKS[step.risk], "" if step.risk == "none" else "warn")
    yield Row("", "d shows the plan in short" if full else "d shows the plan in full", "muted")


def _now(board: Board, step: Step, inspected: Inspected, status: Status) -> Iterator[Row]:
    detail = board.details.get(step.id, "")
    words = f"{SYMBOLS[status]} {status.value.replace('-', ' ')}"
    yield Row("Now", f"{words}: {detail}" if detail else words, tone_of(status))
    wrong = [item for item in inspected.finding.evidence if item.verdict is not Verdict.HOLDS]
    for item in (wrong or inspected.finding.evidence)[:NOW_SHOWN]:
        yield Row("", _seen(item), tone_of_verdict(item.verdict) if wrong else "muted")
    more = len(wrong or inspected.finding.evidence) - NOW_SHOWN
    if more > 0:
        yield Row("", f"and {more} more: Evidence", "muted")


def _seen(item: Evidence) -> str:
    seen = item.seen.strip().splitlines() or ["nothing"]
    text = f"{item.asked}: {seen[0][:300]}{' …' if len(seen) > 1 or len(seen[0]) > 300 else ''}"
    if item.verdict is Verdict.HOLDS:
        return text
    return f"{text}, expected {_short(item.expected)}"


def _short(text: str) -> str:
    """The first line, with a sign when there is more."""
    first, _, rest = text.strip().partition("\n")
    return f"{first[:300]} …" if rest or len(first) > 300 else first


def plan_of(inspected: Inspected | None, status: Status | None) -> tuple[Change, ...]:
    """What would be done now; nothing when it is settled."""
    if inspected is None or status is None or status.settled:
        return ()
    try:
        return inspected.preview()
    except (LookupError, TypeError, ValueError, AttributeError):
        return ()  # a plan that cannot be told before more is known


def plan_rows(changes: Sequence[Change], *, full: bool) -> Iterator[Row]:
    """The plan: a line for each change, or everything."""
    label = "Plan"
    for change in changes:
        said, lines = summary(change).replace("\n", " "), details(change) if full else []
        yield Row(label, said, "head" if full else "")
        label = ""
        if lines and lines[0] in said:  # the line above says it
            lines = lines[1:]
        yield from (Row("", line, _sign(change, line)) for line in lines)


def _sign(change: Change, line: str) -> str:
    if isinstance(change, HostFile | LocalEdit) and line[:1] in "+-@":
        return {"+": "add", "-": "remove"}.get(line[:1], "muted")
    return "code"


def phase_rows(board: Board, phase: str) -> Iterator[Row]:
    """A phase: its steps and where they stand."""
    for step in board.steps(phase):
        status = board.status(step.id)
        detail = board.details.get(step.id, "")
        words = "not looked at yet" if status is None else f"{SYMBOLS[status]} {step.title}"
        text = words if status is None or not detail or status.settled else f"{words}: {detail}"
        yield Row(board.number(step.id), text, tone_of(status))


def failure_rows(failure: Failure, diagnosis: Diagnosis | None, *, mends: bool, undoes: bool) -> Iterator[Row]:
    """What failed, what can be done, the causes that facts name, what was seen, and the lines that explain it."""
    yield Row("Failed", failure.why, "bad")
    yield Row("You can", (MENDS if mends else "") + CHOICES + (UNDOES if undoes else ""), "head")
    yield from cause_rows(diagnosis)
    label = "Seen"
    for item in failure.evidence:
        yield Row(label, _seen(item), tone_of_verdict(item.verdict))
        label = ""
    yield from _tail("Journal", failure.journal, JOURNAL_SHOWN)
    yield from _tail("Wrote", failure.lines, OUTPUT_SHOWN)
    if failure.change is not None:
        yield Row("At", summary(failure.change).replace("\n", " "), "code")


def _tail(label: str, lines: Sequence[str], shown: int) -> Iterator[Row]:
    if len(lines) > shown:
        yield Row(label, f"the last {shown} of {len(lines)} lines", "muted")
        label = ""
    for line in lines[-shown:]:
        yield Row(label, line, "code")
        label = ""


def cause_rows(diagnosis: Diagnosis | None) -> Iterator[Row]:
    """The causes that the facts name, each with the facts and the remedy. Without any: where to look."""
    if diagnosis is None:
        return
    for cause in diagnosis.named:
        yield Row("Cause", cause.says, "warn")
        yield from (Row("", f"{item.asked}: {item.seen}", "muted") for item in cause.facts)
        yield Row("Next", cause.remedy.says)
    if diagnosis.named:
        return
    for symptom in diagnosis.symptoms:
        yield Row("Maybe", symptom.says, "warn")
        yield from (Row("", f"{look.shows}: {look.command}", "code") for look in symptom.look)
    if not diagnosis.symptoms:
        yield Row("Cause", "no fact names one", "muted")


def remedy_rows(board: Board, diagnosis: Diagnosis, plan: Plan) -> Iterator[Row]:
    """The causes in short, then each step of the remedies with its plan; the last is the step that does not hold."""
    for cause in diagnosis.named:
        yield Row("Cause", cause.says, "warn")
        yield Row("Next", cause.remedy.says)
    for step, changes in plan:
        yield Row(board.number(step.id), step.title, "head")
        if changes:
            yield from (replace(row, label="") for row in plan_rows(changes, full=True))
        else:
            yield Row("", "Nothing to do, or not known before the steps above hold: then it is shown.", "muted")


def evidence_rows(inspected: Inspected | None) -> Iterator[Row]:
    """Everything that was looked at, in full."""
    if inspected is None or not (inspected.finding.evidence or inspected.finding.reason):
        yield Row("", "Nothing was looked at yet.", "muted")
        return
    if inspected.finding.reason:
        yield Row("", inspected.finding.reason)
    for item in inspected.finding.evidence:
        yield Row(_VERDICTS[item.verdict], item.asked, tone_of_verdict(item.verdict))
        if item.verdict is not Verdict.HOLDS:
            yield Row("", f"expected {item.expected}")
        yield Row("", f"seen {item.seen}", "muted" if item.verdict is Verdict.HOLDS else "")


_VERDICTS = {
    Verdict.HOLDS: "✓", Verdict.DIFFERS: "✗", Verdict.ABSENT: "✗", Verdict.CONVERGING: "◌", Verdict.WARNS: "!",
    Verdict.UNKNOWN: "?",
}  # fmt: skip


def tone_of_verdict(verdict: Verdict) -> str:
    if verdict is Verdict.HOLDS:
        return "good"
    return "bad" if verdict in (Verdict.DIFFERS, Verdict.ABSENT) else "warn"


def tone_of(status: Status | None) -> str:
    """How a status is coloured; the symbol and the word say it too."""
    if status in (Status.HOLDS, Status.CONFIRMED):
        return "good"
    if status is Status.FAILED:
        return "bad"
    if status in (Status.READY, Status.RUNNING):
        return "active"
    if status is None or status in (Status.WAITING, Status.LEFT_OUT, Status.WAIVED):
        return "muted"
    return "warn"
