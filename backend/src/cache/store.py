"""What a place for answers must be able to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class StoreFault(Exception):
    """The store could not be read or written. The service goes on without it."""


class RefusedEntry(Exception):
    """The store holds something under this key that is not ours; it counts as a miss."""


@dataclass(frozen=True)
class Usage:
    """How much is kept; None where the store cannot tell."""

    entries: int | None
    bytes: int | None


class Store(Protocol):
    """Text by key, each with its own end."""

    @property
    def place(self) -> str:
        """Where it is, without credentials."""
        ...

    def open(self) -> None:
        """Make it ready and write once, so that its first state is known."""
        ...

    def get(self, key: str) -> str | None: ...

    def put(self, key: str, text: str, seconds: float) -> None: ...

    def usage(self) -> Usage: ...

    def oldest(self) -> float | None:
        """When the oldest entry was stored, in seconds since 1970."""
        ...
