"""Files of the operator's workstation: what runs the checks from here, and tells when something changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from iris_migrate.changes import Change, Content, LocalEdit
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Resource
from iris_migrate.target import Target


@dataclass(frozen=True, kw_only=True)
class File(Resource):
    """A file on the workstation has exactly this content. `~` stands for the home."""

    kind: ClassVar[str] = "workstation.file"
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    path: str
    content: Content

    @property
    def place(self) -> str:
        return str(Path(self.path).expanduser())

    async def inspect(self, target: Target) -> Finding:
        was = await target.local.text(self.place)
        facts = {"was": was}
        if was is None:
            return conclude([Evidence(self.path, "as written here", "no such file", Verdict.ABSENT)], facts=facts)
        same = was == self.content
        seen = "as written here" if same else "other content"
        verdict = Verdict.HOLDS if same else Verdict.DIFFERS
        return conclude([Evidence(self.path, "as written here", seen, verdict)], facts=facts)

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        was = finding.facts.get("was")
        return [LocalEdit(says=f"Write {self.path}", path=self.place, was=was, content=self.content)]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was, now = before.facts.get("was"), finding.facts.get("was")
        if was == now:
            return []
        return [LocalEdit(says=f"Put {self.path} back", path=self.place, was=now, content=was)]
