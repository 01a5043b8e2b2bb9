"""Backups: encrypted on the host, fetched off it, and compared with what was made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from iris_migrate.changes import Change, Content, HostCommand, HostFile, HostScript, Save
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Resource
from iris_migrate.resources.expect import shown
from iris_migrate.target import Target
from iris_migrate.values import AnswerRef, text

_DAY = 86400.0


@dataclass(frozen=True, kw_only=True)
class OffHost(Resource):
    """A backup younger than `days` lies on the workstation, byte for byte the one that was made on the host.

    The script writes the encrypted file to `$TARGET`; its last line, one JSON object, holds at least `sha256`. What
    was made is noted in `{state}/{step}.json`. The name carries the host's date: an older backup is never replaced.
    """

    kind: ClassVar[str] = "backup.off_host"
    uses: ClassVar[frozenset[str]] = frozenset({"host", "local"})
    free_shell: ClassVar[bool] = True  # its script is the checklist's
    name: str
    script: Content
    script_name: str
    says: str
    state: str
    folder: str
    days: float = 7
    env: Mapping[str, Any] = field(default_factory=dict)
    time_limit: float = 1800.0

    @property
    def note(self) -> str:
        return f"{self.state}/{self.key.step}.json"

    async def inspect(self, target: Target) -> Finding:
        note, stat, state, clock = await asyncio.gather(
            target.host.text(self.note),
            target.host.stat(self.note),
            target.host.stat(self.state),
            target.host.clock(),
        )
        facts: dict[str, Any] = {"day": _day(clock.wall), "was": note, "state": state is not None}
        if note is None or stat is None:
            return conclude([Evidence("a backup", "was made", "none yet", Verdict.ABSENT)], facts=facts)
        try:
            made = json.loads(note)
            name, sha256 = str(made["name"]), str(made["evidence"]["sha256"])
        except (ValueError, KeyError, TypeError):
            evidence = Evidence(self.note, "what was made", f"cannot be read: {shown(note)}", Verdict.DIFFERS)
            return conclude([evidence], facts=facts)
        age = max(0.0, clock.wall - stat.mtime)
        young = Verdict.HOLDS if age <= self.days * _DAY else Verdict.DIFFERS
        evidence_list = [Evidence("age", f"at most {self.days:g} days", f"{age / _DAY:.1f} days", young)]
        path = _fetched(self.folder, name)
        if await target.local.stat(path) is None:
            evidence_list.append(Evidence(path, "there", "no such file", Verdict.DIFFERS))
        else:
            fetched = await target.local.run(("openssl", "dgst", "-sha256", "-r", path))
            seen = fetched.out.split()[0] if fetched.status == 0 and fetched.out.split() else shown(fetched.err)
            evidence_list.append(judge(f"SHA-256 of {path}", sha256, seen))
        return conclude(evidence_list, facts=facts)

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        name = f"{self.name}-{finding.facts.get('day', '‹date›')}.tar.enc"
        made = f"{self.state}/{name}"
        changes: list[Change] = []
        if not finding.facts.get("state", False):
            argv = ("mkdir", "-p", "-m", "0700", self.state)
            changes.append(HostCommand(says="Make the folder for backups", argv=argv, root=True))
        head = f'{{"name": {json.dumps(name)}, "evidence": '
        return [
            *changes,
            HostScript(
                says=self.says,
                name=self.script_name,
                script=self.script,
                root=True,
                env={**self.env, "TARGET": made},
                timeout=self.time_limit,
                answers={"evidence": "to_string(@)"},
            ),
            Save(says=f"Fetch {name} to {self.folder}", name=name, source={"host": made}, secret=False),
            HostFile(
                says="Note what was made",
                path=self.note,
                content=text(head, AnswerRef("evidence"), "}\n"),
                was=finding.facts.get("was"),
            ),
        ]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """The note is taken back; the fetched file stays, nobody loses a backup by an undo."""
        was, now = before.facts.get("was"), finding.facts.get("was")
        if was == now:
            return []
        if was is None:
            return [HostCommand(says="Remove the note of the backup", argv=("rm", "-f", "--", self.note), root=True)]
        return [HostFile(says="Put the earlier note back", path=self.note, content=str(was), was=now)]


def _fetched(folder: str, name: str) -> str:
    """Where a backup lies on the workstation; a name from the host never leads out of the folder."""
    return str(Path(folder).expanduser() / Path(name).name)


def _day(wall: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%d")
