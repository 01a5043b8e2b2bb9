"""One figure: what was measured, beside what, against which limit."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`limit` is the most, `at_least` the least; neither: informational. `beside` says against what, in words."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    beside: str = ""
    at_least: float | None = None

    @property
    def kept(self) -> bool:
        return (self.limit is None or self.value <= self.limit) and (
            self.at_least is None or self.value >= self.at_least
        )

    def line(self) -> str:
        limits = (("limit", self.limit), ("at least", self.at_least))
        told = "".join(f"  {word} {limit:g} {self.unit}".rstrip() for word, limit in limits if limit is not None)
        kept = f"  {'ok' if self.kept else 'OVER'}" if told else ""
        value = f"{self.value:.3g} {self.unit}".rstrip()
        return f"{self.name}: {value}{told}{kept}{f'  ({self.beside})' if self.beside else ''}"


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float]) -> str:
    """Median with the range, for the words beside a figure."""
    return f"{median(values):.3g} ({min(values):.3g}-{max(values):.3g})"
