"""What the Decommission screen says, as rows: the list with where each thing stands, what stays, what is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iris_migrate.engine.decommission import Listed, Listing
from iris_migrate.engine.results import StepResult
from iris_migrate.redact import clean
from iris_migrate.symbols import SYMBOLS
from iris_migrate.tui.telling import Row

_SIGNS = {"pending": "·", "removing": "▶", "waiting": "◌", "gone": "✓", "failed": "✗"}
_TONES = {"removing": "active", "waiting": "active", "gone": "good", "failed": "bad"}
_SHOWN = 12  # things of one step that are named; the rest is counted


def item_rows(items: Sequence[Listed], listing: Listing) -> Iterator[Row]:
    """Every thing that would go, then what stays, and what no restore brings back."""
    for step in dict.fromkeys(item.step for item in items):
        own = sorted((item for item in items if item.step == step), key=lambda item: item.state == "gone")
        yield from map(_item, own[:_SHOWN])
        if len(own) > _SHOWN:
            gone = sum(item.state == "gone" for item in own)
            yield Row("", f"… {len(own) - _SHOWN} more of {step}; {gone} of {len(own)} are gone", "muted")
    if not items:
        yield Row("", "Nothing of the old side is there.", "muted")
    if listing.kept:
        yield from (Row("", ""), Row("", "Stays", "head"))
    yield from (Row("–", clean(kept), "muted") for kept in listing.kept)
    if listing.lost:
        yield from (Row("", ""), Row("", "Cannot be brought back", "head"))
        yield from (Row("!", lost, "warn") for lost in listing.lost)


def _item(item: Listed) -> Row:
    state = "gone, looked again" if item.state == "gone" else item.state
    return Row(_SIGNS[item.state], clean(f"{item.name}: {state}{f' ({item.why})' if item.why else ''}"),
               _TONES.get(item.state, ""))  # fmt: skip


def gate_row(gate: StepResult, listing: Listing) -> Row:
    """A gate: open, or why it is closed and when it opens."""
    if gate.status.settled:
        return Row(SYMBOLS[gate.status], clean(gate.title))
    return Row("✗", clean(f"{gate.title}: {listing.hindrance(gate)}"))


def way_line(listing: Listing, saves: str) -> str:
    """The steps between the gates and the end, phase by phase, with how far each is, and what it saves."""
    parts = []
    for phase, title in listing.result.phases.items():  # no numbers: all of it fits 80 columns
        steps = [step for step in listing.result.steps if step.phase == phase]
        settled = sum(step.status.settled for step in steps)
        parts.append(f"{title} {settled}/{len(steps)}")
    return "\n".join([" · ".join(parts), *([saves] if saves else [])])


def asked_rows(listing: Listing) -> Iterator[Row]:
    """What typing the phrase agrees to."""
    yield Row("", f"{len(listing.pending)} things go, in this order, once every gate is open:", "head")
    counts = dict.fromkeys((item.step for item in listing.pending), 0)
    for item in listing.pending:
        counts[item.step] += 1
    yield from (Row("·", f"{step}: {count}") for step, count in counts.items())
    before = "all of it is archived, and read back; the old endpoint is switched off and stays off for the soak. Both"
    yield Row("Before", clean(f"{before} can be taken back at any time. The archive: {listing.archive}"))
    if listing.closed:
        yield Row("Closed", "now, so that nothing is switched off yet:", "warn")
        yield from (Row("✗", clean(f"{gate.id}: {listing.hindrance(gate)}"), "warn") for gate in listing.closed)
    label = "Lost"
    for lost in listing.lost:
        yield Row(label, lost, "warn")
        label = ""
