"""What stands in the way of removing the old side: somebody else uses it, or a tool owns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Resource
from iris_migrate.resources.removal import Things
from iris_migrate.target import Target
from iris_migrate.values import Unresolved


@dataclass(frozen=True, kw_only=True)
class Alone(Resource):
    """Nobody else uses what would go, and no tool owns it that would want it back. What is kept (`keep`) may be."""

    kind: ClassVar[str] = "old_side.alone"
    check_only: ClassVar[bool] = True
    shared: Things
    owned: Things
    keep: tuple[str, ...] = ()  # of apis, functions, guards, images

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.shared, Unresolved) and not isinstance(self.owned, Unresolved)
        evidence = [
            Evidence(f"{item['what']} is {how}", "by nobody", f"{item['by']}; {item['advice']}", Verdict.DIFFERS)
            for how, items in (("used", self.shared), ("owned", self.owned))
            for item in items
            if item["group"] not in self.keep
        ]
        return conclude(
            evidence or [Evidence("what would go is used or owned", "by nobody", "by nobody", Verdict.HOLDS)]
        )
