"""Proofs: sentences that need an experiment. The evidence lies on the host, with what it stands on.

Inspecting reads the evidence and compares what it stands on with what is there now; it never repeats the experiment.
"""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from iris_migrate.changes import Change, Content, HostCommand, HostFile, HostScript, HttpCall
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.resources.expect import expected, shown
from iris_migrate.target import Target
from iris_migrate.values import AnswerRef, Secret, text

_DAY = 86400.0


@dataclass(frozen=True, kw_only=True)
class _Proof(Resource):
    """What all proofs share.

    `expect` is JMESPath over the evidence. What the sentence stands on: `commits` (checkouts), `files` (by digest),
    `stats` (by time of change, for what must not be read), `settings` (values that matter). When one of them is
    another than at the time of the experiment, the proof is void. `days` voids it by age; 0 never does.
    """

    folder: str
    expect: str
    commits: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    stats: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    days: float = 0

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.key.step}.json"

    async def inspect(self, target: Target) -> Finding:
        standing, written, stat, folder, clock = await asyncio.gather(
            self._standing(target),
            target.host.text(self.path),
            target.host.stat(self.path),
            target.host.stat(self.folder),
            target.host.clock(),
        )
        facts = {"standing": standing, "folder": folder is not None, "was": written}
        if missing := [name for name, value in standing.items() if value is None]:
            evidence = [Evidence(name, "there", "not there yet", Verdict.UNKNOWN) for name in missing]
            return conclude(evidence, facts=facts, reason=f"it stands on {', '.join(missing)}, which is not there yet")
        if written is None:
            return conclude([Evidence("the experiment", "was made", "not yet", Verdict.ABSENT)], facts=facts)
        evidence = self._judge(written, standing)
        if self.days and stat is not None:
            age = max(0.0, clock.wall - stat.mtime)
            verdict = Verdict.HOLDS if age <= self.days * _DAY else Verdict.DIFFERS
            evidence.append(Evidence("age", f"at most {self.days:g} days", f"{age / _DAY:.1f} days", verdict))
        return conclude(evidence, facts=facts)

    def _judge(self, written: str, standing: Mapping[str, Any]) -> list[Evidence]:
        try:
            proof = json.loads(written)
            stood, seen = dict(proof["standing"]), proof["evidence"]
        except (ValueError, KeyError, TypeError):
            return [Evidence(self.path, "evidence", f"cannot be read: {shown(written)}", Verdict.DIFFERS)]
        return [
            expected("evidence", self.expect, seen),
            *(judge(f"stands on {name}", stood.get(name), value) for name, value in standing.items()),
            *(judge(f"stands on {name}", was, None) for name, was in stood.items() if name not in standing),
        ]

    async def _standing(self, target: Target) -> dict[str, Any]:
        """The fingerprint: each part by name, None for what is not there."""
        host = target.host
        commits, digests, stats = await asyncio.gather(
            asyncio.gather(*(host.git(path) for path in self.commits)),
            asyncio.gather(*(host.digest(path) for path in self.files)),
            asyncio.gather(*(host.stat(path) for path in self.stats)),
        )
        standing: dict[str, Any] = {}
        for path, git in zip(self.commits, commits, strict=True):
            standing[f"commit of {path}"] = git.commit if git else None
        for path, found in zip(self.files, digests, strict=True):
            standing[path] = found
        for path, stat in zip(self.stats, stats, strict=True):
            standing[path] = f"changed at {stat.mtime:.6f}" if stat else None
        return standing | {f"setting {name}": str(value) for name, value in self.settings.items()}

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        changes: list[Change] = []
        if not finding.facts.get("folder", False):
            argv = ("mkdir", "-p", "-m", "0755", self.folder)
            changes.append(HostCommand(says="Make the folder for proofs", argv=argv, root=True))
        changes += self._experiment()
        standing = json.dumps(finding.facts.get("standing", {}), ensure_ascii=False, sort_keys=True)
        content = text(f'{{"standing": {standing}, "evidence": ', self._evidence(), "}\n")
        was = finding.facts.get("was")
        changes.append(HostFile(says="Write down what was seen", path=self.path, content=content, was=was))
        return changes

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """The experiment stays made; only its evidence is taken back."""
        if (was := before.facts.get("was")) == finding.facts.get("was"):
            return []
        if was is not None:
            seen = finding.facts.get("was")
            return [HostFile(says="Put the earlier evidence back", path=self.path, content=str(was), was=seen)]
        return [HostCommand(says="Remove the evidence", argv=("rm", "-f", "--", self.path), root=True)]

    @abstractmethod
    def _experiment(self) -> list[Change]:
        """The changes that are the experiment; their answers are named in `_evidence`."""

    @abstractmethod
    def _evidence(self) -> Content:
        """JSON text of the evidence, made of the answers."""


@dataclass(frozen=True, kw_only=True)
class Experiment(_Proof):
    """An experiment on the host: a script whose last line, one JSON object, is the evidence."""

    kind: ClassVar[str] = "proofs.experiment"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    free_shell: ClassVar[bool] = True  # its script is the checklist's
    name: str
    script: Content
    says: str
    env: Mapping[str, Any] = field(default_factory=dict)
    user: str = ""
    time_limit: float = 600.0

    def _experiment(self) -> list[Change]:
        return [
            HostScript(
                says=self.says,
                name=self.name,
                script=self.script,
                root=not self.user,
                user=self.user,
                env=self.env,
                timeout=self.time_limit,
                answers={"evidence": "to_string(@)"},
            )
        ]

    def _evidence(self) -> Content:
        return text(AnswerRef("evidence"))


@dataclass(frozen=True, kw_only=True)
class Requests(_Proof):
    """Requests from the workstation that cost money, once each.

    `requests` are mappings `{name, says, json}`; `seen` is JMESPath over `{status, headers, body}`: what of an answer
    becomes evidence, under the request's name. `fails_if` ends the experiment at once. `client_key` names the secret
    with the accepted keys, of which the first is sent in `key_header`.
    """

    kind: ClassVar[str] = "proofs.requests"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    url: Ref
    requests: tuple[Mapping[str, Any], ...]
    seen: str
    fails_if: str = "status >= `400`"
    key_header: str = ""
    client_key: Secret | None = None
    connect: Ref = ""
    ca: str = ""
    time_limit: float = 130.0

    def _experiment(self) -> list[Change]:
        headers = {self.key_header: replace(self.client_key, item=0)} if self.key_header and self.client_key else {}
        return [
            HttpCall(
                says=str(request["says"]),
                method="POST",
                url=self.url,
                headers=headers,
                json=request["json"],
                connect=self.connect,
                ca=self.ca,
                fails_if=self.fails_if,
                answers={str(request["name"]): f"to_string({self.seen})"},
                timeout=self.time_limit,
            )
            for request in self.requests
        ]

    def _evidence(self) -> Content:
        parts: list[Any] = []
        for request in self.requests:
            parts += [", " if parts else "{", f"{json.dumps(str(request['name']))}: ", AnswerRef(str(request["name"]))]
        return text(*parts, "}")
