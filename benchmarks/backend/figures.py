"""A measured figure beside its limit and its floor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure; `beside` tells what it was measured against in the same run."""

    name: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    beside: str = ""

    @property
    def holds(self) -> bool:
        """Within its limits; a figure without any asserts nothing and does not hold."""
        if self.at_most is None and self.at_least is None:
            return False
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    def __str__(self) -> str:
        limit = f"<= {self.at_most:g}" if self.at_most is not None else f">= {self.at_least:g}"
        beside = f"  [{self.beside}]" if self.beside else ""
        return f"{'ok  ' if self.holds else 'OVER'}  {self.name}: {self.value:.4g} (limit {limit}){beside}"
