"""DNS: a name leads to the host. The zone is the operator's; what is to be entered is shown exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from iris_migrate.changes import Change, OperatorAsk
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.target import Target
from iris_migrate.values import text

_AGAIN = 5.0  # seconds after which looking again makes sense


@dataclass(frozen=True, kw_only=True)
class Resolves(Resource):
    """A name has exactly one address. Another one beside it (an old A, a stray AAAA) would take part of the clients,
    and the certificate authority, elsewhere. Converging once the operator says the record is made: resolvers may keep
    the old answer for its time to live."""

    kind: ClassVar[str] = "dns.resolves"
    uses: ClassVar[frozenset[str]] = frozenset({"web"})
    outputs: ClassVar[frozenset[str]] = frozenset({"name"})
    name: str
    address: Ref
    resolver: str = ""
    ttl: int = 300

    async def inspect(self, target: Target) -> Finding:
        found = await target.web.resolve(self.name, resolver=self.resolver)
        others = [item for item in found if item != self.address]
        if self.address in found and not others:
            verdict = Verdict.HOLDS
        else:
            verdict = Verdict.DIFFERS if found else Verdict.ABSENT
            if await target.answer(self.key.step):
                verdict = Verdict.CONVERGING
        where = f" at {self.resolver}" if self.resolver else ""
        seen = ", ".join(found) or "no record"
        evidence = Evidence(f"addresses of {self.name}{where}", f"only {self.address}", seen, verdict)
        return conclude(
            [evidence],
            {"name": self.name},
            {"found": list(found)},
            reason="the record was entered; resolvers may keep the old answer until its time to live is over"
            if verdict is Verdict.CONVERGING
            else "",
            until=target.clock.now() + _AGAIN if verdict is Verdict.CONVERGING else None,
        )

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        others = [item for item in finding.facts.get("found", ()) if item != self.address]
        remove = f"\nRemove these records of the same name: {', '.join(others)}" if others else ""
        return [
            OperatorAsk(
                says=f"Enter the address record of {self.name} at your DNS provider",
                question=f"Is the record of {self.name} entered?",
                instructions=text(f"{self.name}.  {self.ttl}  IN  A  ", self.address, remove),
            )
        ]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        if not finding.holds or before.holds:
            return []
        earlier = ", ".join(before.facts.get("found", ())) or "no record"
        return [
            OperatorAsk(
                says=f"Put the address record of {self.name} back at your DNS provider",
                question=f"Is the record of {self.name} as it was?",
                instructions=f"Before: {earlier}",
            )
        ]
