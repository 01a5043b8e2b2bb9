"""The operator: what only a person can do, with a look at the world beside the word."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from iris_migrate.changes import Change, OperatorAsk
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.resources.expect import expected, shown
from iris_migrate.target import Target, Unreadable

_AGAIN = 2.0  # seconds after which looking again makes sense


@dataclass(frozen=True, kw_only=True)
class Confirms(Resource):
    """The operator did something. Where a `check` is given the world decides: a yes alone is not enough, and what
    was done without being asked counts.

    `check` is one of
    `{journal: UNIT, contains: [TEXT, …], since: service | boot}`: one line of the unit's journal holds all the texts;
    `{file: PATH, contains: TEXT}`: a file of the workstation holds the text;
    `{url: URL, expect: JMESPATH}`: the answer's `{status, body}` meets the expectation.
    """

    kind: ClassVar[str] = "operator.confirms"
    uses: ClassVar[frozenset[str]] = frozenset({"host", "local", "web"})
    question: Ref
    instructions: Ref = ""
    choices: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ("yes",)
    check: Mapping[str, Any] = field(default_factory=dict)

    async def inspect(self, target: Target) -> Finding:
        answer = await target.answer(self.key.step)
        agreed = answer is not None and answer.lower() in self.accepted
        said = Evidence(
            str(self.question),
            " or ".join(self.accepted),
            "not asked yet" if answer is None else answer,
            Verdict.HOLDS if agreed else Verdict.ABSENT if answer is None else Verdict.DIFFERS,
        )
        if not self.check:
            return conclude([said], {"answer": answer or ""})
        seen = await self._look(target)
        if seen.verdict is Verdict.HOLDS:
            return conclude([seen], {"answer": answer or ""})
        if not agreed:
            return conclude([seen, said])
        waiting = Evidence(seen.asked, seen.expected, seen.seen, Verdict.CONVERGING)
        reason = f"confirmed, but not seen yet: {seen.expected}"
        return conclude([waiting, said], reason=reason, until=target.clock.now() + _AGAIN)

    async def _look(self, target: Target) -> Evidence:
        match dict(self.check):
            case {"journal": unit, "contains": texts, **rest}:
                return await _in_journal(target, str(unit), _texts(texts), str(rest.get("since", "service")))
            case {"file": path, "contains": content}:
                found = await target.local.text(str(path))
                missing = found is None or str(content) not in found
                seen = "no such file" if found is None else "not in it" if missing else "in it"
                return Evidence(str(path), f"holds {content}", seen, Verdict.ABSENT if missing else Verdict.HOLDS)
            case {"url": url, "expect": expect}:
                answer = await target.web.get(str(url))
                seen_answer = {"status": answer.status, "body": answer.body}
                return expected(f"GET {url}", str(expect), seen_answer, otherwise=Verdict.ABSENT)
        raise Unreadable(f"the check of this step has none of the known shapes: {', '.join(self.check)}")

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        return [
            OperatorAsk(
                says=str(self.question), question=self.question, instructions=self.instructions, choices=self.choices
            )
        ]


def _texts(texts: Any) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(str(item) for item in texts)


async def _in_journal(target: Target, unit: str, texts: tuple[str, ...], since: str) -> Evidence:
    """The newest line of a unit's journal that holds all the texts, since the unit or the host started."""
    moment = await started_at(target, unit, since)
    wanted = " and ".join(repr(item) for item in texts)
    asked = f"journal of {unit} since {'it' if since == 'service' else 'the host'} started"
    pattern = " | ".join(f"grep -F -- {shlex.quote(item)}" for item in texts)
    found = await target.host.shell(
        f"journalctl -u {shlex.quote(unit)} --since @{moment} -o cat --no-pager -q | {pattern} | tail -n 1", root=True
    )
    if found.err.strip() and not found.out.strip():
        return Evidence(asked, f"a line with {wanted}", shown(found.err), Verdict.UNKNOWN)
    line = found.out.strip()
    if not line:
        return Evidence(asked, f"a line with {wanted}", "none", Verdict.ABSENT)
    return Evidence(asked, f"a line with {wanted}", shown(_without_query(line)), Verdict.HOLDS)


async def started_at(target: Target, unit: str, since: str) -> int:
    """Seconds since the epoch, on the host's clock, at which the unit (or the host) started."""
    clock = await target.host.clock()
    boot = clock.wall - clock.boot
    if since == "boot":
        return int(boot)
    state = await target.host.unit(f"{unit.removesuffix('.service')}.service")
    return int(boot + state.active_since) if state.active_since else int(boot)


def _without_query(line: str) -> str:
    """Query strings may carry what nobody meant to show."""
    return re.sub(r"\?\S*", "?…", line)
