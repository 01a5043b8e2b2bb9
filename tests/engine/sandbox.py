"""Resources over files of a folder: a world small enough to see the engine alone. Family `sandbox`, for tests only."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import Change, HostCommand, LocalCommand, LocalEdit, OperatorAsk
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.target import Target
from iris_migrate.values import Secret, Text


@dataclass(frozen=True, kw_only=True)
class Note(Resource):
    """A file has this content; its first word is an output."""

    kind: ClassVar[str] = "sandbox.note"
    outputs: ClassVar[frozenset[str]] = frozenset({"word"})
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    path: str
    content: Ref | Text

    async def inspect(self, target: Target) -> Finding:
        seen = await target.local.text(self.path)
        otherwise = Verdict.ABSENT if seen is None else Verdict.DIFFERS
        evidence = judge(self.path, self.content, seen, otherwise=otherwise)
        word = (seen or "").split(" ")[0].strip()
        return conclude([evidence], {"word": word} if evidence.verdict is Verdict.HOLDS else {}, {"seen": seen})

    def plan(self, finding: Finding) -> list[Change]:
        if finding.holds:
            return []
        return [
            LocalEdit(says=f"write {self.path}", path=self.path, was=finding.facts.get("seen"), content=self.content)
        ]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was = before.facts.get("seen")
        return [LocalEdit(says=f"put {self.path} back", path=self.path, was=finding.facts.get("seen"), content=was)]


@dataclass(frozen=True, kw_only=True)
class Checked(Note):
    """A note that a command has to agree with: the file is written, then the command fails."""

    kind: ClassVar[str] = "sandbox.checked"
    outputs: ClassVar[frozenset[str]] = frozenset()
    argv: tuple[str, ...]

    def plan(self, finding: Finding) -> list[Change]:
        edits = super().plan(finding)
        asked = [LocalCommand(says="ask about it", argv=self.argv)] if edits else []
        first = finding.facts.get("seen") == "old"
        prepared = [LocalCommand(says="prepare it", argv=("true",))] if first else []
        return [*prepared, *edits, *asked]


@dataclass(frozen=True, kw_only=True)
class Compared(Note):
    """A note that looking compares with a secret: asked with it, nobody answers, and the note says the rest."""

    kind: ClassVar[str] = "sandbox.compared"
    outputs: ClassVar[frozenset[str]] = frozenset()
    word: str | Secret

    async def inspect(self, target: Target) -> Finding:
        await target.web.get("http://127.0.0.1:9/", headers={"x-api-key": self.word}, timeout=1.0)
        return await super().inspect(target)


@dataclass(frozen=True, kw_only=True)
class Task(Resource):
    """A command of the workstation leaves a file behind."""

    kind: ClassVar[str] = "sandbox.task"
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    path: str
    argv: tuple[str, ...]

    async def inspect(self, target: Target) -> Finding:
        there = await target.local.text(self.path) is not None
        return conclude([judge(self.path, True, there, otherwise=Verdict.ABSENT)])

    def plan(self, finding: Finding) -> list[Change]:
        return [] if finding.holds else [LocalCommand(says="run the task", argv=self.argv)]


@dataclass(frozen=True, kw_only=True)
class Job(Task):
    """A command of the host leaves a file behind that the workstation sees."""

    kind: ClassVar[str] = "sandbox.job"

    def plan(self, finding: Finding) -> list[Change]:
        return [] if finding.holds else [HostCommand(says="run the job", argv=self.argv)]


_LOOKS: Counter[str] = Counter()


@dataclass(frozen=True, kw_only=True)
class Coming(Task):
    """Its file counts from the third look on: until then it is on its way."""

    kind: ClassVar[str] = "sandbox.coming"

    async def inspect(self, target: Target) -> Finding:
        found = await super().inspect(target)
        if found.holds:
            _LOOKS[self.path] += 1
            if _LOOKS[self.path] < 3:
                return Finding(Verdict.CONVERGING, found.evidence, reason="it is on its way")
        return found


@dataclass(frozen=True, kw_only=True)
class Verdicts(Resource):
    """Says what a file says: a list of verdicts, one a look, the last one for ever. Check-only."""

    kind: ClassVar[str] = "sandbox.verdicts"
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    check_only: ClassVar[bool] = True
    path: str

    async def inspect(self, target: Target) -> Finding:
        said: list[Any] = json.loads(await target.local.text(self.path) or "[]")
        look = _LOOKS[self.path]
        _LOOKS[self.path] += 1
        verdict = Verdict(said[min(look, len(said) - 1)])
        return Finding(verdict, (Evidence("said", "holds", verdict.value, verdict),), reason=f"said {verdict.value}")


@dataclass(frozen=True, kw_only=True)
class Deed(Resource):
    """Something that only the operator does: a file appears."""

    kind: ClassVar[str] = "sandbox.deed"
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    path: str

    async def inspect(self, target: Target) -> Finding:
        there = await target.local.text(self.path) is not None or await target.answer(self.key.step) == "yes"
        return conclude([judge(self.path, True, there, otherwise=Verdict.ABSENT)])

    def plan(self, finding: Finding) -> list[Change]:
        return [] if finding.holds else [OperatorAsk(says="make the file", question=f"Is {self.path} there?")]


@dataclass(frozen=True, kw_only=True)
class Vault(Resource):
    """A file that is not empty; what is in it is nobody's business."""

    kind: ClassVar[str] = "sandbox.vault"
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    path: str
    content: Text

    async def inspect(self, target: Target) -> Finding:
        there = bool(await target.local.text(self.path))
        return conclude([judge(self.path, True, there, otherwise=Verdict.ABSENT)])

    def plan(self, finding: Finding) -> list[Change]:
        return [] if finding.holds else [LocalEdit(says="fill it", path=self.path, was=None, content=self.content)]


@dataclass(frozen=True, kw_only=True)
class Proof(Resource):
    """An experiment (a line more in `count`), then a file that keeps what it showed."""

    kind: ClassVar[str] = "sandbox.proof"
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    path: str
    count: str

    async def inspect(self, target: Target) -> Finding:
        there = await target.local.text(self.path) is not None
        return conclude([judge(self.path, True, there, otherwise=Verdict.ABSENT)])

    def plan(self, finding: Finding) -> list[Change]:
        if finding.holds:
            return []
        return [
            LocalCommand(says="experiment", argv=("sh", "-c", f"printf x >> {self.count}")),
            LocalEdit(says="write it down", path=self.path, was=None, content="seen"),
        ]


@dataclass(frozen=True, kw_only=True)
class Slow(Resource):
    """Something that never answers."""

    kind: ClassVar[str] = "sandbox.slow"
    check_only: ClassVar[bool] = True
    path: str

    async def inspect(self, target: Target) -> Finding:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")
