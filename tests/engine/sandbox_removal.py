"""An old side made of files: what removes them, and a gate that opens at a time. For tests only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from iris_migrate.changes import Change, LocalCommand
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Resource
from iris_migrate.resources.removal import Item, Removal, Things
from iris_migrate.target import Target


@dataclass(frozen=True, kw_only=True)
class Gone(Resource, Removal):
    """These files are gone. `argv` removes one; the path is put behind it."""

    kind: ClassVar[str] = "sandbox_removal.gone"
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    things: Things
    argv: tuple[str, ...] = ("rm",)

    async def inspect(self, target: Target) -> Finding:
        assert isinstance(self.things, tuple)
        there = [str(item["path"]) for item in self.things if await target.local.text(str(item["path"])) is not None]
        evidence = [
            judge(str(item["id"]), "gone", "there" if item["path"] in there else "gone") for item in self.things
        ]
        return conclude(evidence, facts={"there": there})

    def listed(self) -> Things:
        return self.things

    def items(self, finding: Finding) -> tuple[Item, ...]:
        assert isinstance(self.things, tuple)
        return tuple(Item(str(item["id"]), item["path"] in finding.facts.get("there", ())) for item in self.things)

    def plan(self, finding: Finding) -> list[Change]:
        there = finding.facts.get("there", ())
        return [LocalCommand(says=f"remove {Path(path).name}", argv=(*self.argv, path)) for path in there]


@dataclass(frozen=True, kw_only=True)
class Opens(Resource):
    """A gate that opens at a time, in seconds since the epoch. Check-only."""

    kind: ClassVar[str] = "sandbox_removal.opens"
    check_only: ClassVar[bool] = True
    at: float

    async def inspect(self, target: Target) -> Finding:
        if self.now >= self.at:
            return conclude([Evidence("calls", "none", "none for 7 days", Verdict.HOLDS)])
        seen = "3 in the last 24 h, last one 41 min ago"
        return conclude([Evidence("calls", "none", seen, Verdict.CONVERGING)], reason=f"calls: {seen}", until=self.at)
