"""What the two kinds of API have in common: parts that are looked up by keys, made and removed by calls."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import Change
from iris_migrate.target import Aws
from iris_migrate.values import Archived, Unresolved

GONE = "NotFoundException"

Item = Mapping[str, Any]
Place = Mapping[str, Any]  # of one API: its parts' ids by what they are and their keys


@dataclass(frozen=True, slots=True)
class Making:
    """A part that is to be made: where, for which step, and the archive in which the rest of it lies."""

    item: Item
    place: Place
    step: str
    folder: str

    @property
    def sealed(self) -> dict[str, Any]:
        """Fields that may hold secrets: the list names where in the archive they are, never what they say."""
        return {
            name: Archived(self.folder, str(self.item["from"]), expression)
            for name, expression in (self.item.get("sealed") or {}).items()
        }

    def id_of(self, what: str, key: str) -> Any:
        """The id of another part that this one names; it has been looked whether it is there."""
        if not self.place:
            return Unresolved(self.step, f"{what.lower()}_id")
        return self.place[what][key][0]


class Kind(ABC):
    """One kind of API. `what` is one of Route, Integration, Authorizer, Stage, Plan (a usage plan that has a stage)."""

    service: ClassVar[str]
    calls: ClassVar[Mapping[str, frozenset[str]]]  # by what, every call of looking, making and removing

    @abstractmethod
    async def place(self, aws: Aws, api: str, what: str) -> Place:
        """The ids in an API by key, of `what` and of what it names. Raises AwsError, GONE when there is no API."""

    def whole(self, what: str, item: Item, place: Place) -> bool:
        """Whether a part that is there is all there: it may have been made by several calls, and cut off between."""
        return True

    @abstractmethod
    def needs(self, what: str, item: Item) -> Sequence[tuple[str, str]]:
        """What has to be there before a part can be made: (what, key)."""

    @abstractmethod
    def make(self, what: str, making: Making) -> list[Change]: ...

    @abstractmethod
    def remove(self, what: str, item: Item, id_: Any) -> list[Change]: ...


def kind_of(item: Item) -> str:
    """`HTTP` or `REST`; what does not say it is of an HTTP API."""
    return str(item.get("kind") or "HTTP")
