"""What every class that removes listed things can tell: which they are, and which are still there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iris_migrate.findings import Finding
from iris_migrate.values import Unresolved

Things = tuple[Mapping[str, Any], ...] | list[Mapping[str, Any]] | Unresolved


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that would go, as people call it."""

    name: str
    there: bool


class Removal(ABC):
    """A desired state that is the absence of listed things."""

    @abstractmethod
    def listed(self) -> Things:
        """The list, as the inventory gives it: what a confirmation is bound to."""

    @abstractmethod
    def items(self, finding: Finding) -> tuple[Item, ...]:
        """Each thing of the list, and whether it was still there."""
