"""A family of resources for the language's tests: it takes anything the fixtures write and never looks at a world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.findings import Finding, unknown
from iris_migrate.resources.base import Resource
from iris_migrate.target import Target


@dataclass(frozen=True, kw_only=True)
class Thing(Resource):
    """Anything, by name."""

    kind: ClassVar[str] = "sample.thing"
    outputs: ClassVar[frozenset[str]] = frozenset({"id", "public_ip"})
    name: str
    size: int = 0
    other: Any = ""
    content: Any = ""
    packages: tuple[str, ...] = ()
    mode: str = ""
    url: Any = ""
    header: Any = None
    script: str = ""

    async def inspect(self, target: Target) -> Finding:
        return unknown("a sample")


@dataclass(frozen=True, kw_only=True)
class OnHost(Thing):
    """Something that looks at the host."""

    kind: ClassVar[str] = "sample.on_host"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})


@dataclass(frozen=True, kw_only=True)
class Free(Thing):
    """Something that is written in shell."""

    kind: ClassVar[str] = "sample.free"
    free_shell: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Check(Thing):
    """A check that wants something to compare with."""

    kind: ClassVar[str] = "sample.check"

    @staticmethod
    def asserts(with_: Mapping[str, Any]) -> str | None:
        """A complaint when nothing is compared."""
        return None if with_.get("content") else "give `content` to compare with"
