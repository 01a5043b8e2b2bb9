"""The operator: what only a person can do, with a look at the world beside the word."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import Change, HostCommand, HostFile, OperatorAsk
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.resources.expect import shown
from iris_migrate.target import Target, Unreadable

_AGAIN = 2.0  # seconds after which looking again makes sense


@dataclass(frozen=True, kw_only=True)
class Confirms(Resource):
    """The operator did something, and says so. For what leaves no trace; where one is left, see `Traces`."""

    kind: ClassVar[str] = "operator.confirms"
    question: Ref
    instructions: Ref = ""
    choices: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ("yes",)

    async def inspect(self, target: Target) -> Finding:
        return conclude([self.said(await target.answer(self.key.step))])

    def said(self, answer: str | None) -> Evidence:
        """What the operator answered, as evidence."""
        agreed = answer is not None and answer.lower() in self.accepted
        verdict = Verdict.HOLDS if agreed else Verdict.ABSENT if answer is None else Verdict.DIFFERS
        return Evidence(str(self.question), " or ".join(self.accepted), answer or "not asked yet", verdict)

    def plan(self, finding: Finding) -> list[Change]:
        return [self.ask()] if finding.verdict.plans else []

    def ask(self) -> OperatorAsk:
        return OperatorAsk(
            says=f"Ask the operator: {self.question}",
            question=self.question,
            instructions=self.instructions,
            choices=self.choices,
        )


@dataclass(frozen=True, kw_only=True)
class Traces(Confirms):
    """The operator did something, and the host's logs show it. The trace decides: what was done without being asked
    counts, and a yes without a trace only makes it wait. Since logs are rotated, what was seen is kept in `folder`.

    A trace is one line that holds all of `contains`: in the file `log`, or in the journal of `unit` since boot. While
    the workstation's file `after` is younger than `patience` seconds, nobody is asked: some do it at once.
    With `own_address` (a service that tells it), lines that begin with this workstation's address do not count: what
    is looked for is somebody else's.
    """

    kind: ClassVar[str] = "operator.traces"
    uses: ClassVar[frozenset[str]] = frozenset({"host", "local", "web"})
    folder: str
    contains: tuple[str, ...]
    log: str = ""
    unit: str = ""
    after: Ref = ""
    patience: float = 20.0
    own_address: str = ""

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.key.step}.json"

    async def inspect(self, target: Target) -> Finding:
        kept, folder, line, answer = await asyncio.gather(
            target.host.text(self.path),
            target.host.stat(self.folder),
            self._trace(target),
            target.answer(self.key.step),
        )
        facts = {"was": kept, "folder": folder is not None, "line": shown(line)}
        wanted = " and ".join(self.contains)
        if kept is not None:
            return conclude([_kept(self.path, wanted, kept)], facts=facts)
        asked = self.log or f"journal of {self.unit}"
        if line:
            seen = Evidence(asked, f"a line with {wanted}", shown(line), Verdict.HOLDS)
            return conclude([seen, Evidence(self.path, "keeps it", "not yet", Verdict.ABSENT)], facts=facts)
        said = self.said(answer)
        reason = f"confirmed, but no line with {wanted} in {asked} yet"
        if said.verdict is not Verdict.HOLDS:
            if not await self._just_now(target):
                return conclude([Evidence(asked, f"a line with {wanted}", "none", Verdict.ABSENT), said], facts=facts)
            reason = f"{self.after} is new: looking for a line with {wanted} in {asked} before anybody is asked"
        waiting = Evidence(asked, f"a line with {wanted}", "none yet", Verdict.CONVERGING)
        return conclude([waiting], facts=facts, reason=reason, until=target.clock.now() + _AGAIN)

    async def _just_now(self, target: Target) -> bool:
        """Whether what the operator needs was made a moment ago."""
        stat = await target.local.stat(str(self.after)) if self.after else None
        return stat is not None and 0 <= target.clock.now() - stat.mtime < self.patience

    async def _trace(self, target: Target) -> str:
        """The newest line with all the texts; empty when there is none."""
        wanted = " | ".join(f"grep -F -- {shlex.quote(item)}" for item in self.contains)
        if self.log:
            source = f"cat -- {shlex.quote(self.log)}"
        else:
            clock = await target.host.clock()
            source = f"journalctl -u {shlex.quote(self.unit)} --since @{int(clock.wall - clock.boot)}"
            source += " -o cat --no-pager -q"
        if self.own_address:
            own = str((await target.web.get(self.own_address)).body).strip()
            wanted += f" | grep -v -F -- {shlex.quote(own + ' ')}"
        found = await target.host.shell(f"{source} | {wanted} | tail -n 1 | cut -c 1-500", root=True)
        if not found.out.strip() and found.err.strip() and "No such file" not in found.err:
            raise Unreadable(f"{self.log or self.unit} cannot be read: {shown(found.err)}")
        return found.out.strip()

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        line = finding.facts.get("line")
        if not line:
            return [self.ask()]
        changes: list[Change] = []
        if not finding.facts.get("folder", False):
            argv = ("mkdir", "-p", "-m", "0755", self.folder)
            changes.append(HostCommand(says="Make the folder for proofs", argv=argv, root=True))
        content = json.dumps({"contains": list(self.contains), "seen": line}, ensure_ascii=False) + "\n"
        was = finding.facts.get("was")
        return [*changes, HostFile(says="Keep what the log showed", path=self.path, content=content, was=was)]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """What was done stays done; only what was kept of it is taken back."""
        was, now = before.facts.get("was"), finding.facts.get("was")
        if was == now:
            return []
        if was is None:
            return [HostCommand(says="Remove what was kept", argv=("rm", "-f", "--", self.path), root=True)]
        return [HostFile(says="Put back what was kept", path=self.path, content=str(was), was=now)]


def _kept(path: str, wanted: str, kept: str) -> Evidence:
    """Evidence from the kept line; it counts as long as it is about the same texts."""
    try:
        data: Mapping[str, Any] = json.loads(kept)
        same, seen = " and ".join(data["contains"]) == wanted, shown(str(data["seen"]))
    except (ValueError, KeyError, TypeError):
        same, seen = False, f"cannot be read: {shown(kept)}"
    return Evidence(path, f"a line with {wanted}", seen, Verdict.HOLDS if same else Verdict.DIFFERS)
