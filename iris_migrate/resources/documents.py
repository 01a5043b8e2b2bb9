"""Documents and code in the operator's checkout that still tell of the old side."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from iris_migrate.changes import Change, LocalEdit
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.target import Target


@dataclass(frozen=True, kw_only=True)
class Deprecated(Resource):
    """Documents that tell how to use the old side say in their first lines that it is no longer so."""

    kind: ClassVar[str] = "documents.deprecated"
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    folder: str
    files: tuple[str, ...]
    note: Ref

    async def inspect(self, target: Target) -> Finding:
        paths = [f"{self.folder}/{name}" for name in self.files]
        texts = dict(zip(paths, await asyncio.gather(*(target.local.text(path) for path in paths)), strict=True))
        evidence = []
        for path, text in texts.items():
            if text is None:
                evidence.append(Evidence(path, "says so", "is not there: correct documents.files", Verdict.UNKNOWN))
                continue
            says = str(self.note) in text
            verdict = Verdict.HOLDS if says else Verdict.DIFFERS
            evidence.append(Evidence(path, "says so", "says so" if says else "does not say so", verdict))
        return conclude(evidence, facts={"texts": texts})

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        texts: Mapping[str, str | None] = finding.facts.get(
            "texts", {f"{self.folder}/{name}": "" for name in self.files}
        )
        return [
            LocalEdit(says="Say that it is deprecated", path=path, was=text, content=_noted(text, str(self.note)))
            for path, text in texts.items() if text is not None and str(self.note) not in text
        ]  # fmt: skip

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was: Mapping[str, str | None] = before.facts.get("texts", {})
        return [
            LocalEdit(says="Put the document back as it was", path=path, was=text, content=was[path])
            for path, text in finding.facts.get("texts", {}).items() if path in was and was[path] != text
        ]  # fmt: skip


def _noted(text: str, note: str) -> str:
    """The text with the note below its first heading; above everything where there is none."""
    lines = text.splitlines(keepends=True)
    place = 1 if lines and lines[0].startswith("#") else 0
    before = "".join(lines[:place])
    if before and not before.endswith("\n"):
        before += "\n"
    gap = "\n" if place else ""
    return f"{before}{gap}> {note}\n\n{''.join(lines[place:]).lstrip(chr(10))}"


@dataclass(frozen=True, kw_only=True)
class Removable(Resource):
    """Nothing in the checkout is only there for the old side. What is, is named; taking it out is for a commit."""

    kind: ClassVar[str] = "documents.removable"
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    check_only: ClassVar[bool] = True
    folder: str
    signs: tuple[str, ...]

    async def inspect(self, target: Target) -> Finding:
        found = await asyncio.gather(*(target.local.search(self.folder, sign) for sign in self.signs))
        evidence = [
            Evidence(path, f"nothing with {sign}", "only there for Lambda, as it seems", Verdict.WARNS)
            for sign, files in zip(self.signs, found, strict=True)
            for path in sorted(files)
        ]
        reason = f"for removal: {', '.join(dict.fromkeys(item.asked for item in evidence))}" if evidence else ""
        return conclude(
            evidence or [Evidence(self.folder, "nothing of Lambda", "nothing", Verdict.HOLDS)], reason=reason
        )
