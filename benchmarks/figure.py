"""One figure: what was measured, beside what, against which limit."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`limit` None: informational. `beside` says what it was measured against, in words."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    beside: str = ""

    @property
    def kept(self) -> bool:
        return self.limit is None or self.value <= self.limit

    def line(self) -> str:
        limit = "" if self.limit is None else f"  limit {self.limit:g} {self.unit}  {'ok' if self.kept else 'OVER'}"
        return f"{self.name}: {self.value:.3g} {self.unit}{limit}{f'  ({self.beside})' if self.beside else ''}"


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float]) -> str:
    """Median with the range, for the words beside a figure."""
    return f"{median(values):.3g} ({min(values):.3g}-{max(values):.3g})"
