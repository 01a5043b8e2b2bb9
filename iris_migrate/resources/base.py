"""What a resource is: one kind of sentence about the world, in three verbs."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar

from iris_migrate.changes import Change
from iris_migrate.findings import Finding
from iris_migrate.target import Target
from iris_migrate.values import StepKey, Unresolved

Ref = str | Unresolved  # a parameter that may still be the output of another step


class CannotUndo(Exception):
    """There is no way back for this; the message says what is lost and what helps instead."""


@dataclass(frozen=True, kw_only=True)
class Resource(ABC):
    """A desired state. The fields of a subclass are its `with` in a checklist; `key` and `now` come from the engine.

    `inspect` reads only. `plan` and `undo` are pure: no I/O, nothing but fields and findings.
    """

    kind: ClassVar[str] = ""  # "family.name", as checklists write it
    calls: ClassVar[frozenset[str]] = frozenset()  # every AWS call it may make, "ec2:DescribeAddresses"
    outputs: ClassVar[frozenset[str]] = frozenset()  # what other steps may name
    uses: ClassVar[frozenset[str]] = frozenset()  # of host, aws, local, web: what `inspect` asks
    check_only: ClassVar[bool] = False  # plans nothing, by design
    key: StepKey
    now: float

    @abstractmethod
    async def inspect(self, target: Target) -> Finding:
        """Look, and say what was seen."""

    def plan(self, finding: Finding) -> list[Change]:
        """Exactly what would make it hold. Check-only classes plan nothing."""
        return []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """What would put back what was before, given what is now."""
        return []


def resource_class(kind: str) -> type[Resource]:
    """The class for `family.name`; imports only that family. Raises KeyError when there is none."""
    family, _, _name = kind.partition(".")
    if not family.isidentifier() or family in ("base",):
        raise KeyError(kind)
    try:
        module = importlib.import_module(f"iris_migrate.resources.{family}")
    except ModuleNotFoundError as error:
        if error.name != f"iris_migrate.resources.{family}":
            raise
        raise KeyError(kind) from None
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Resource) and value.kind == kind:
            return value
    raise KeyError(kind)


def parameters(cls: type[Resource]) -> dict[str, bool]:
    """The names a class takes in `with`, each with whether it is required."""
    return {
        field.name: field.default is MISSING and field.default_factory is MISSING
        for field in fields(cls)
        if field.name not in ("key", "now")
    }


def build(kind: str, with_: Mapping[str, Any], key: StepKey, now: float) -> Resource:
    """A resource from its `with`. The loader has checked the names; types are the checklist's."""
    return resource_class(kind)(**with_, key=key, now=now)
