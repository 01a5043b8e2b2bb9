"""The old side asked from outside, once: it answers like the new one, later it refuses. What was seen is archived.

Looking never asks it: every call counts as traffic, and what was asked is subtracted where traffic is counted.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from iris_migrate.changes import Change, HttpCall, Save
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.target import Target
from iris_migrate.values import AnswerRef, Secret, Text, Unresolved

HOUR = 3600.0
Urls = tuple[str, ...] | list[str] | Unresolved
_SEEN = (
    "{status: status, success: body.success, healthy: body.status, blocks: length(body.responsibility_blocks || `[]`)}"
)


def item(step: str) -> str:
    """The name in the archive of what a step has seen."""
    return f"proofs/{step}.json"


@dataclass(frozen=True, kw_only=True)
class _Asked(Resource):
    """An experiment whose evidence lies in the archive: `at` is the hour of it, `calls` what was seen."""

    uses: ClassVar[frozenset[str]] = frozenset({"archives"})
    folder: str
    old: Urls
    ca: Ref = ""

    async def inspect(self, target: Target) -> Finding:
        seen = await target.archives.content(self.folder, item(self.key.step))
        if not seen or not seen.get("calls"):
            return conclude([Evidence("the experiment", "was made", "not yet", Verdict.ABSENT)])
        return conclude(self._judge(seen["calls"]), facts={"made": True})

    @abstractmethod
    def _judge(self, calls: Mapping[str, Mapping[str, Any]]) -> list[Evidence]: ...

    @abstractmethod
    def _calls(self) -> list[HttpCall]:
        """The requests; each answers under its own name."""

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        calls = self._calls()
        seen = {name: AnswerRef(name) for call in calls for name in call.answers}
        return [*calls, self._save({"at": self.now // HOUR * HOUR, "calls": seen})]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """It was asked, and that stays so; only what was seen is taken back."""
        return [self._save({"calls": {}})] if finding.facts.get("made") and not before.facts.get("made") else []

    def _save(self, data: Mapping[str, Any]) -> Change:
        says = "Keep what was seen in the archive" if data["calls"] else "Take back what was seen"
        return Save(says=says, name=item(self.key.step), source={"data": data}, secret=False, folder=self.folder)

    def _urls(self) -> list[Any]:
        return [self.old] if isinstance(self.old, Unresolved) else list(self.old)


@dataclass(frozen=True, kw_only=True)
class Refuses(_Asked):
    """Every public name of the old side refuses, asked from outside after it was off for a while."""

    kind: ClassVar[str] = "outside.refuses"
    path: str
    statuses: tuple[int, ...] = (403, 404, 410)  # that are a refusal, by the way in which it was switched off

    def _calls(self) -> list[HttpCall]:
        return [
            HttpCall(
                says="Ask the old side; it has to refuse", method="GET", url=_joined(url, self.path), ca=str(self.ca),
                fails_if="", answers={f"old {url}": _SEEN}, timeout=20.0,
            )
            for url in self._urls()
        ]  # fmt: skip

    def _judge(self, calls: Mapping[str, Mapping[str, Any]]) -> list[Evidence]:
        expected = f"HTTP {', '.join(str(status) for status in self.statuses)}"
        evidence = [
            Evidence(name, expected, f"HTTP {seen['status']}",
                     Verdict.HOLDS if seen["status"] in self.statuses else Verdict.DIFFERS)
            for name, seen in calls.items()
        ]  # fmt: skip
        names = [f"old {url}" for url in self._urls()]
        return evidence + [
            Evidence(name, expected, "not asked yet", Verdict.ABSENT) for name in names if name not in calls
        ]


@dataclass(frozen=True, kw_only=True)
class Alike(_Asked):
    """The old side and the new one answer alike: health, a refusal without a key, and each of the analyses."""

    kind: ClassVar[str] = "outside.alike"
    new: Ref
    connect: Ref = ""
    health: str
    analyze: str
    key_header: str = "x-api-key"
    client_key: Secret | str = ""
    requests: tuple[Mapping[str, Any], ...] = field(default=())  # each `name` and `json`

    def _calls(self) -> list[HttpCall]:
        found: list[HttpCall] = []
        for url in self._urls():
            found += self._pair(url, "health", "GET", self.health, {}, None)
            for number, request in enumerate(self.requests):
                if not number:
                    found += self._pair(url, "without a key", "POST", self.analyze, {}, request["json"])
                headers = {self.key_header: self._key()}
                found += self._pair(url, str(request["name"]), "POST", self.analyze, headers, request["json"])
        return found

    def _key(self) -> Any:
        return Secret(self.client_key.name, 0) if isinstance(self.client_key, Secret) else self.client_key

    def _pair(
        self, url: Any, name: str, method: str, path: str, headers: Mapping[str, Any], json: Any
    ) -> list[HttpCall]:
        """The same request to both sides."""
        sides: tuple[tuple[str, Any, Ref], ...] = (("old", url, ""), ("new", self.new, self.connect))
        return [
            HttpCall(
                says=f"Ask the {side} side: {name}", method=method, url=_joined(place, path), headers=headers,
                json=json, connect=connect, ca=str(self.ca), fails_if="", answers={f"{side} {url} {name}": _SEEN},
            )
            for side, place, connect in sides
        ]  # fmt: skip

    def _judge(self, calls: Mapping[str, Mapping[str, Any]]) -> list[Evidence]:
        evidence = []
        for name, old in calls.items():
            if not name.startswith("old "):
                continue
            new = calls.get(f"new {name.removeprefix('old ')}", {})
            said, expected = _answer(new, name), _answer(old, name)
            verdict = Verdict.HOLDS if said == expected else Verdict.DIFFERS
            evidence.append(
                Evidence(f"new side, {name.rpartition(' ')[2]}", f"as the old one: {expected}", said, verdict)
            )
        return evidence


def _answer(seen: Mapping[str, Any], name: str) -> str:
    """What of an answer has to be alike: a model's words differ from call to call, and refusals in their form."""
    status = seen.get("status")
    if status in (401, 403):
        return "refused"
    parts = [f"HTTP {status}"]
    if seen.get("success") is not None:
        parts.append("success" if seen["success"] else "no success")
        parts.append("with blocks" if seen.get("blocks") else "without blocks")
    return ", ".join(parts)


def _joined(url: Any, path: str) -> str | Text | Unresolved:
    from iris_migrate.values import text

    return text(url, path)
