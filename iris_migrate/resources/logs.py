"""Logs: nothing went wrong since the start, and what is kept of them is bounded."""

from __future__ import annotations

import asyncio
import re
import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from iris_migrate.changes import Change, Content, HostCommand, HostFile
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Resource
from iris_migrate.resources.expect import shown
from iris_migrate.target import Target, Unreadable

# gunicorn writes to standard error, so that journald gives all its lines one priority: the text tells.
ERRORS = r"\[(ERROR|CRITICAL)\]|^(ERROR|CRITICAL)\b|\b(ERROR|CRITICAL)\b:|^Traceback "


_TIME = re.compile(r"([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})")


async def error_lines(target: Target, unit: str, file: str, since: float, pattern: str) -> list[str]:
    """The lines that match since a moment (seconds, the host's wall clock), of the last 200 that do: from a file,
    else from the unit's journal. Lines of a file that bear no time belong to the line before and are left out."""
    if file:
        source = f"date +%z && grep -E -- {shlex.quote(pattern)} {shlex.quote(file)}"
    else:
        journal = f"journalctl -u {shlex.quote(unit)} --since @{int(since)} -o cat --no-pager -q"
        source = f"date +%z && {journal} | grep -E -- {shlex.quote(pattern)}"
    answer = await target.host.shell(
        f'{{ {source}; }} | cut -c 1-400 | {{ IFS= read -r zone; echo "$zone"; tail -n 200; }}', root=True
    )
    zone, _, rest = answer.out.partition("\n")
    if answer.status != 0 or answer.err.strip() or not re.fullmatch(r"[+-][0-9]{4}", zone.strip()):
        raise Unreadable(f"{file or f'the journal of {unit}'} cannot be read: {shown(answer.err or answer.out)}")
    lines = [line for line in rest.split("\n") if line]
    return [line for line in lines if _written(line, zone.strip()) >= int(since)] if file else lines


def _written(line: str, zone: str) -> float:
    """When a line of a file was written; 0 when it does not say. gunicorn and nginx use the host's own zone."""
    found = _TIME.search(line)
    if found is None:
        return 0.0
    written = f"{found[1]}-{found[2]}-{found[3]} {found[4]} {zone}"
    try:
        return datetime.strptime(written, "%Y-%m-%d %H:%M:%S %z").timestamp()
    except ValueError:
        return 0.0


@dataclass(frozen=True, kw_only=True)
class Clean(Resource):
    """No error in the unit's log (a `file`, else its journal) since it started, at most `minutes` back.

    Converging while it is younger than `settle` seconds: the first lines of a broken start come a little later.
    """

    kind: ClassVar[str] = "logs.clean"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    unit: str
    file: str = ""
    minutes: float = 60
    settle: float = 5
    pattern: str = ERRORS

    async def inspect(self, target: Target) -> Finding:
        clock, unit = await asyncio.gather(target.host.clock(), target.host.unit(f"{self.unit}.service"))
        if unit.active != "active":
            return conclude([Evidence(f"{self.unit}.service", "active", unit.active, Verdict.UNKNOWN)])
        age = clock.boot - unit.active_since
        if age < self.settle:
            asked = f"{self.unit} runs since"
            evidence = Evidence(asked, f"{self.settle:g} s", f"{age:.1f} s", Verdict.CONVERGING)
            return conclude([evidence], until=target.clock.now() + self.settle - age)
        span = min(age, self.minutes * 60)
        lines = await error_lines(target, self.unit, self.file, clock.wall - span, self.pattern)
        asked = f"errors in {self.file or f'the journal of {self.unit}'} in the last {max(1, round(span / 60))} min"
        seen = f"{len(lines)}, the last: {shown(' ⏎ '.join(lines[-3:]))}" if lines else "none"
        return conclude([judge(asked, "none", seen)])


@dataclass(frozen=True, kw_only=True)
class ServerErrors(Resource):
    """Few answers with a status of 500 or more in an access log of the last minutes (nginx' combined format)."""

    kind: ClassVar[str] = "logs.server_errors"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    file: str
    minutes: float = 60
    warn: int = 1
    fail: int = 20

    async def inspect(self, target: Target) -> Finding:
        clock = await target.host.clock()
        # Times are compared as text, in the zone that the host itself writes them in.
        script = (
            f"since=$(date -d @{int(clock.wall - self.minutes * 60)} +%Y%m%d%H%M%S)"
            f" && awk -v since=\"$since\" '{_COUNT}' {shlex.quote(self.file)}"
        )
        answer = await target.host.shell(script, root=True)
        found = re.match(r"([0-9]+) ([0-9]+) ?(.*)", answer.out)
        if answer.status != 0 or found is None:
            raise Unreadable(f"{self.file} cannot be read: {shown(answer.err or answer.out)}")
        asked = f"answers with 5xx of {found[2]} in the last {self.minutes:g} min"
        count = int(found[1])
        verdict = Verdict.DIFFERS if count >= self.fail else Verdict.WARNS if count >= self.warn else Verdict.HOLDS
        seen = f"{count}, the last: {shown(found[3])}" if count else "0"
        return conclude([Evidence(asked, f"below {self.warn} (fails at {self.fail})", seen, verdict)])


# [23/Nov/2026:16:12:54 +0000] "GET / HTTP/1.1" 502 …: the status is the first field behind the request.
_COUNT = (
    r"""BEGIN { split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", m, " "); for (i in m) n[m[i]] = i }"""
    r""" { if (!match($0, /\[[0-9][0-9]\/[A-Z][a-z][a-z]\/[0-9:]+ /)) next; t = substr($0, RSTART + 1, RLENGTH - 2);"""
    r""" split(t, p, /[\/:]/);"""
    r""" at = sprintf("%s%02d%s%s%s%s", p[3], n[p[2]], p[1], p[4], p[5], p[6]);"""
    r""" if (at < since) next; all++; if (match($0, /" [5][0-9][0-9] /)) { bad++; last = substr($0, 1, 300) } }"""
    r""" END { print bad + 0, all + 0, last }"""
)


@dataclass(frozen=True, kw_only=True)
class JournalLimits(Resource):
    """The journal may take only so much of the disk. `content` is a drop-in of journald, read when it starts."""

    kind: ClassVar[str] = "logs.journal_limits"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    path: str
    content: Content
    service: str = "systemd-journald"

    async def inspect(self, target: Target) -> Finding:
        unit = f"{self.service}.service"
        was, stat, journald, clock = await asyncio.gather(
            target.host.text(self.path), target.host.stat(self.path), target.host.unit(unit), target.host.clock()
        )
        facts = {"was": was}
        if was is None or stat is None:
            return conclude([Evidence(self.path, "the limits", "no such file", Verdict.ABSENT)], facts=facts)
        started = clock.wall - clock.boot + max(journald.started, journald.active_since)
        return conclude(
            [
                judge(
                    f"content of {self.path}", "as written here", "as written here" if was == self.content else "other"
                ),
                judge(f"{self.service} started after it", True, started >= stat.mtime),
            ],
            facts=facts,
        )

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        changes: list[Change] = []
        was = finding.facts.get("was")
        if was != self.content:
            folder = self.path.rpartition("/")[0]
            changes.append(HostCommand(says=f"Make {folder}", argv=("mkdir", "-p", folder), root=True))
            changes.append(HostFile(says="Write the journal's limits", path=self.path, content=self.content, was=was))
        changes.append(self._restart())
        return changes

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was = before.facts.get("was")
        if was == finding.facts.get("was"):
            return []
        if was is None:
            put_back: Change = HostCommand(
                says="Remove the journal's limits", argv=("rm", "-f", "--", self.path), root=True
            )
        else:
            put_back = HostFile(
                says="Put the earlier limits back", path=self.path, content=str(was), was=finding.facts.get("was")
            )
        return [put_back, self._restart()]

    def _restart(self) -> HostCommand:
        # journald hands its sockets to systemd over a restart: no line is lost.
        return HostCommand(says="Have journald read its limits", argv=("systemctl", "restart", self.service), root=True)


@dataclass(frozen=True, kw_only=True)
class Rotation(Resource):
    """Log files are rotated: logrotate's configuration is there, logrotate accepts it, and the unit can be reloaded
    (without `ExecReload=` the postrotate fails and the program writes on into the old file)."""

    kind: ClassVar[str] = "logs.rotation"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    path: str
    content: Content
    unit_file: str

    async def inspect(self, target: Target) -> Finding:
        was, unit = await asyncio.gather(target.host.text(self.path), target.host.text(self.unit_file))
        facts = {"was": was}
        if was is None:
            return conclude([Evidence(self.path, "the rotation", "no such file", Verdict.ABSENT)], facts=facts)
        reload = any(line.startswith("ExecReload=") and line != "ExecReload=" for line in (unit or "").splitlines())
        evidence = [
            judge(f"content of {self.path}", "as written here", "as written here" if was == self.content else "other")
        ]
        if was == self.content:
            tried = await target.host.shell(f"logrotate --debug {shlex.quote(self.path)} 2>&1", root=True)
            wrong = [line for line in tried.out.splitlines() if line.startswith("error:")]
            accepted = "accepted" if tried.status == 0 and not wrong else shown(" ".join(wrong) or tried.out)
            evidence.append(judge("logrotate --debug", "accepted", accepted, otherwise=Verdict.UNKNOWN))
        if not reload:
            says = f"no ExecReload= in {self.unit_file}: another step's"
            evidence.append(Evidence("postrotate's reload", "possible", says, Verdict.UNKNOWN))
        return conclude(evidence, facts=facts)

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        was = finding.facts.get("was")
        return [HostFile(says="Write the rotation of the log files", path=self.path, content=self.content, was=was)]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was, now = before.facts.get("was"), finding.facts.get("was")
        if was == now:
            return []
        if was is None:
            return [HostCommand(says="Remove the rotation", argv=("rm", "-f", "--", self.path), root=True)]
        return [HostFile(says="Put the earlier rotation back", path=self.path, content=str(was), was=now)]
