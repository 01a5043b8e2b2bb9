"""The list of a decommission, and how it ended: for people and as data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iris_migrate.engine.decommission import Listed, Listing
from iris_migrate.reports.text import step_lines

_SHOWN = 12  # items of one step that are named in the list


def lines(listing: Listing) -> Iterator[str]:
    """What would go, the gates, what stays, what is lost, and how to agree."""
    yield f"Old side in {listing.where}"
    yield ""
    yield f"Would go: {len(listing.pending)} of {len(listing.items)}"
    for step in dict.fromkeys(item.step for item in listing.items):
        own = [item for item in listing.items if item.step == step]
        for item in own[:_SHOWN]:
            yield f"  {_mark(item)} {item.name}{f': {item.why}' if item.why else ''}"
        if len(own) > _SHOWN:
            yield f"    … {len(own) - _SHOWN} more ({step})"
    yield from ("", "Stays:", *(f"  - {kept}" for kept in listing.kept))
    yield from ("", "Gates:")
    for gate in listing.gates:
        yield from step_lines(gate)
    yield from ("", "On the way:")
    for step_result in listing.others:
        yield step_lines(step_result)[0]
    yield from ("", "Cannot be brought back:")
    yield from (f"  - {lost}" for lost in listing.lost)
    yield ""
    yield from _next(listing)


def _next(listing: Listing) -> Iterator[str]:
    if not listing.pending and listing.exit_code == 0:
        yield f"Everything is gone. To bring it back: iris-migrate restore --archive {listing.archive}"
        return
    if listing.closed:
        yield "Not yet:"
        yield from (f"  - {gate.id}: {listing.hindrance(gate)}" for gate in listing.closed)
    yield "Nothing was changed. To agree to exactly this list, and to nothing else:"
    yield f"  iris-migrate decommission --execute --confirm '{listing.phrase}'"


def _mark(item: Listed) -> str:
    return {"gone": "✓", "failed": "✗"}.get(item.state, "·")


def sentence(listing: Listing) -> str:
    """How it ended, in one sentence."""
    gone = sum(item.state == "gone" for item in listing.items)
    failed = [item for item in listing.items if item.state == "failed"]
    pending = sum(item.state == "pending" for item in listing.items)
    parts = [f"{gone} of {len(listing.items)} things are gone", f"{len(listing.kept)} stay"]
    if pending:
        parts.append(f"{pending} wait")
    if failed:
        parts.append(f"{len(failed)} failed ({failed[0].why})")
    back = f"; to bring back what went: iris-migrate restore --archive {listing.archive}" if gone else ""
    return f"{', '.join(parts)}{back}."


def document(listing: Listing) -> dict[str, Any]:
    """The same as data."""
    return {
        "where": listing.where, "phrase": listing.phrase, "list": listing.digest, "archive": listing.archive,
        "items": [
            {"step": item.step, "name": item.name, "state": item.state, "why": item.why} for item in listing.items
        ],
        "gates": [
            {
                "id": gate.id, "title": gate.title, "open": gate.status.settled, "status": gate.status.value,
                "detail": gate.detail, "opens": listing.opens.get(gate.id, ""),
            }
            for gate in listing.gates
        ],
        "kept": list(listing.kept),
        "lost": list(listing.lost),
        "summary": sentence(listing), **listing.result.document(),
    }  # fmt: skip
