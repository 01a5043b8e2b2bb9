"""What both sides cost a month, as lines and as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iris_migrate.engine.bill import Bill
from iris_migrate.engine.prices import IDLE, Cost, Use, before


def cost_lines(bill: Bill) -> Iterator[str]:
    """Before, after, and what the account's plan makes of it."""
    yield f"Cost a month in {bill.region}, without tax"
    yield f"  {bill.plan}"
    if bill.before is None:
        yield f"  Before, on Lambda: unknown ({bill.unread}); {IDLE}"
    else:
        yield from _side("Before, on Lambda", bill.before)
        yield f"    Idle: {IDLE}."
    yield from _side("After, on a host of its own", bill.after)


def before_line(region: str, use: Use | None, unread: str) -> str:
    """What the old side costs a month, in one line."""
    if use is None:
        return f"Before, on Lambda: unknown ({unread})"
    cost = before(region, use)
    total = "unknown; our table has no prices" if cost.total is None else f"${cost.total:.2f}"
    return f"Before, on Lambda: {total} a month for {use.calls:,.0f} calls, $0 while nobody asks ({region})"


def _side(title: str, cost: Cost) -> Iterator[str]:
    total = "unknown" if cost.total is None else f"${cost.total:.2f}"
    yield f"  {title}: {total} (prices of {cost.as_of})"
    for item in cost.items:
        yield f"    {item.what:26} {_dollars(item.dollars):>8}  {item.how}"


def _dollars(value: float | None) -> str:
    return "unknown" if value is None else f"${value:.2f}"


def cost_document(bill: Bill) -> dict[str, Any]:
    """The same as plain data; what is unknown is null."""
    return {
        "region": bill.region,
        "before": None if bill.before is None else _data(bill.before),
        "unread": bill.unread,
        "after": _data(bill.after),
        "plan": bill.plan,
    }


def _data(cost: Cost) -> dict[str, Any]:
    items = [{"what": item.what, "how": item.how, "dollars": item.dollars} for item in cost.items]
    return {"total": cost.total, "prices": cost.as_of, "items": items}
