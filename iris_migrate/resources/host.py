"""The host as a whole: it answers, it is the one we made, its clock is right; and questions of one's own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from json import loads as parse_json
from typing import ClassVar

from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge, unknown
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.resources.expect import expected, shown
from iris_migrate.target import Shell, Target, Unreadable

_BOOT = 300.0  # seconds after a launch in which no answer means booting
_NO_COMMAND = (126, 127)  # sh's own: it cannot be run, it is not there
_PIPE = 141  # it was still writing when we stopped reading
_APART = 60.0  # seconds that the clocks may differ: certificates and signatures bear no more


@dataclass(frozen=True, kw_only=True)
class Reachable(Resource):
    """The host answers over SSH with the pinned key, runs the system of the profile, and its clock is right.

    Connecting is the check of the key: with another key there is no answer to ask for.
    """

    kind: ClassVar[str] = "host.reachable"
    calls: ClassVar[frozenset[str]] = frozenset({"ec2:DescribeInstances"})
    uses: ClassVar[frozenset[str]] = frozenset({"host", "aws"})
    check_only: ClassVar[bool] = True
    address: Ref
    instance: Ref
    os_id: str
    os_version: str
    port: int = 22

    async def inspect(self, target: Target) -> Finding:
        asked = f"SSH at {self.address} port {self.port}"
        try:
            system, clock = await asyncio.gather(target.host.os(), target.host.clock())
        except Unreadable as error:
            return await self._no_answer(target, asked, error)
        apart = clock.wall - target.clock.now()
        clock_verdict = Verdict.HOLDS if abs(apart) <= _APART else Verdict.WARNS
        evidence = [
            Evidence(asked, "answers with the pinned key", "answers", Verdict.HOLDS),
            judge("system", f"{self.os_id} {self.os_version}", f"{system.id} {system.version}"),
            Evidence("host's clock", f"within {_APART:.0f} s of ours", f"{apart:+.0f} s", clock_verdict),
        ]
        if (system.id, system.version) == (self.os_id, self.os_version):
            return conclude(evidence)
        # Nothing later would fit: package names, Python, folders. Said at the first contact, not after a time limit.
        runs = f"{system.name or system.id} runs there ({system.id} {system.version})"
        reason = (
            f"{runs}, and the setting `os` says {self.os_id} {self.os_version}; set it to the profile of that system"
        )
        return conclude(evidence, reason=reason, lasting=True)

    async def _no_answer(self, target: Target, asked: str, error: Unreadable) -> Finding:
        """Booting for a while after the launch; afterwards, or with a wrong key at once, it cannot be told."""
        if error.lasting:
            raise error
        from iris_migrate.resources.ec2.console import launch_time  # checklists without AWS do without its classes

        launched = await launch_time(target, str(self.instance))
        if target.clock.now() >= launched + _BOOT:
            raise error
        evidence = [Evidence(asked, "answers with the pinned key", "no answer yet", Verdict.CONVERGING)]
        return conclude(evidence, reason=f"booting: {error}", until=launched + _BOOT)


@dataclass(frozen=True, kw_only=True)
class Command(Resource):
    """A command of one's own that only reads, run by `sh` on the host, with what it should answer.

    `status` is the exit status (none: any). `contains`, `lacks` and `matches` (a regular expression, line by line)
    are about its output; `json` is JMESPath over its output read as JSON. `warn` and `fail` are the first bad values
    of an output that is one number; with `low` they are the first that are too small.
    """

    kind: ClassVar[str] = "host.command"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    free_shell: ClassVar[bool] = True
    run: str
    root: bool = False
    status: int | None = 0
    contains: str = ""
    lacks: str = ""
    matches: str = ""
    json: str = ""
    warn: float | None = None
    fail: float | None = None
    low: bool = False

    async def inspect(self, target: Target) -> Finding:
        says = (self.contains, self.lacks, self.matches, self.json)
        if self.status is None and not any(says) and self.warn is None and self.fail is None:
            return unknown("it asserts nothing: name status, contains, lacks, matches, json, warn or fail")
        answer = await target.host.shell(self.run, root=self.root)
        told = [self._ended(answer)]
        told += self._said(answer)
        if self.json:
            told.append(self._as_json(answer))
        if self.warn is not None or self.fail is not None:
            told.append(self._figure(answer))
        return conclude(told)

    def _ended(self, answer: Shell) -> Evidence:
        asked = f"exit status of {shown(self.run)}"
        if self.status is None:
            return Evidence(asked, "any", str(answer.status), Verdict.HOLDS)
        if answer.status in _NO_COMMAND and answer.status != self.status:
            return Evidence(asked, str(self.status), shown(answer.err) or "no such command", Verdict.UNKNOWN)
        if answer.cut and answer.status == _PIPE != self.status:
            seen = "more than 64 KiB of output, of which the rest was not read"
            return Evidence(asked, str(self.status), seen, Verdict.UNKNOWN)
        seen = str(answer.status)
        if answer.status != self.status and (said := answer.err.strip() or answer.out.strip()):
            seen = f"{seen}: {shown(said)}"
        verdict = Verdict.HOLDS if answer.status == self.status else Verdict.DIFFERS
        return Evidence(asked, str(self.status), seen, verdict)

    def _said(self, answer: Shell) -> Iterator[Evidence]:
        seen = shown(answer.out) or "nothing"
        for wanted, found, should in (
            (self.contains, self.contains in answer.out, f"contains {self.contains}"),
            (self.matches, _matched(self.matches, answer.out), f"a line that matches {self.matches}"),
        ):
            if wanted:
                # What was cut off may still hold it.
                missing = Verdict.UNKNOWN if answer.cut else Verdict.DIFFERS
                yield Evidence("its output", should, _cut(seen, answer), Verdict.HOLDS if found else missing)
        if self.lacks:
            absent = Verdict.UNKNOWN if answer.cut else Verdict.HOLDS
            verdict = Verdict.DIFFERS if self.lacks in answer.out else absent
            yield Evidence("its output", f"nothing of {self.lacks}", _cut(seen, answer), verdict)

    def _as_json(self, answer: Shell) -> Evidence:
        try:
            found = parse_json(answer.out)
        except ValueError:
            seen = _cut(f"not JSON: {shown(answer.out) or 'nothing'}", answer)
            return Evidence("its output as JSON", self.json, seen, Verdict.UNKNOWN if answer.cut else Verdict.DIFFERS)
        return expected("its output as JSON", self.json, found)

    def _figure(self, answer: Shell) -> Evidence:
        worse = "above" if self.low else "below"
        bounds = [f"{word} {limit:g}" for word, limit in (("warns at", self.warn), ("fails at", self.fail))
                  if limit is not None]  # fmt: skip
        asked, wanted = "its output as a number", f"{worse} that: {', '.join(bounds)}"
        try:
            value = float(answer.out.strip())
        except ValueError:
            return Evidence(asked, wanted, f"not a number: {shown(answer.out) or 'nothing'}", Verdict.UNKNOWN)

        def bad(limit: float | None) -> bool:
            return limit is not None and (value <= limit if self.low else value >= limit)

        verdict = Verdict.DIFFERS if bad(self.fail) else Verdict.WARNS if bad(self.warn) else Verdict.HOLDS
        return Evidence(asked, wanted, f"{value:g}", verdict)


def _matched(pattern: str, text: str) -> bool:
    """Whether a line matches. Raises Unreadable for what is no regular expression."""
    try:
        return bool(pattern) and re.search(pattern, text, re.MULTILINE) is not None
    except re.error as error:
        raise Unreadable(f"{pattern!r} is not a regular expression: {error}. Correct it in the checklist") from error


def _cut(seen: str, answer: Shell) -> str:
    return f"{seen} (more than 64 KiB; the rest was not read)" if answer.cut else seen
