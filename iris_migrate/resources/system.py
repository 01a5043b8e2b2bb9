"""The system under the application: memory, what the journal counts, updates, a reboot that is due. Looks only."""

from __future__ import annotations

import asyncio
import re
import shlex
from dataclasses import dataclass
from typing import ClassVar

from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Resource
from iris_migrate.resources.expect import shown
from iris_migrate.resources.monitor import graded
from iris_migrate.target import Target, Unreadable

_DAY = 86400.0
# How a package manager lists pending security updates, one a line; it changes nothing and takes no lock.
_PENDING = {
    "apt": "apt-get -s upgrade | grep -E '^Inst .*[Ss]ecurity' || true",
    "dnf": "dnf -q updateinfo list --security --available || true",
}


@dataclass(frozen=True, kw_only=True)
class Memory(Resource):
    """Memory and swap in use stay below their bounds, in percent; what could be freed at once counts as free."""

    kind: ClassVar[str] = "system.memory"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    warn: float = 85
    fail: float = 95
    swap_warn: float = 50
    swap_fail: float = 90

    async def inspect(self, target: Target) -> Finding:
        text = await target.host.text("/proc/meminfo", root=False)
        figures = {name: int(size) for name, size in re.findall(r"^(\w+):\s+([0-9]+) kB$", text or "", re.MULTILINE)}
        if not figures.get("MemTotal") or "MemAvailable" not in figures:
            raise Unreadable(f"/proc/meminfo does not tell the memory: {shown(text or 'empty')}")
        used = 100 * (1 - figures["MemAvailable"] / figures["MemTotal"])
        evidence = [graded("memory in use", used, " %", self.warn, self.fail)]
        if swap := figures.get("SwapTotal", 0):
            used = 100 * (1 - figures.get("SwapFree", 0) / swap)
            evidence.append(graded("swap in use", used, " %", self.swap_warn, self.swap_fail))
        else:
            evidence.append(Evidence("swap in use", "as there is", "no swap", Verdict.HOLDS))
        return conclude(evidence)


@dataclass(frozen=True, kw_only=True)
class JournalCount(Resource):
    """How often the journal of a unit (none: the kernel's) has lines like `pattern` in the last hours."""

    kind: ClassVar[str] = "system.journal_count"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    what: str
    pattern: str
    unit: str = ""
    hours: float = 24
    warn: int = 1
    fail: int = 5

    async def inspect(self, target: Target) -> Finding:
        clock = await target.host.clock()
        source = f"-u {shlex.quote(self.unit)}" if self.unit else "-k"
        since = int(clock.wall - self.hours * 3600)
        # Only the count and the last line travel; a failing journalctl leaves its words on standard error.
        answer = await target.host.shell(
            f"journalctl {source} --since @{since} -o cat --no-pager -q"
            f" | grep -E -- {shlex.quote(self.pattern)} | cut -c 1-300"
            " | awk '{n++; l=$0} END {print n+0; print l}'",
            root=True,
        )
        count, _, last = answer.out.partition("\n")
        if not count.strip().isdigit() or answer.err.strip():
            raise Unreadable(f"the journal cannot be read: {shown(answer.err or answer.out)}")
        evidence = graded(f"{self.what} in the last {self.hours:g} h", int(count), "", self.warn, self.fail)
        seen = f"{count}, the last: {shown(last)}" if last.strip() else count
        return conclude([Evidence(evidence.asked, evidence.expected, seen, evidence.verdict)])


@dataclass(frozen=True, kw_only=True)
class Updates(Resource):
    """Security updates that wait. They install themselves every night; many of them mean that this does not work."""

    kind: ClassVar[str] = "system.updates"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    manager: str
    warn: int = 1
    fail: int = 30

    async def inspect(self, target: Target) -> Finding:
        if self.manager not in _PENDING:
            raise Unreadable(f"how {self.manager} lists security updates is not known")
        answer = await target.host.shell(_PENDING[self.manager], root=True)
        if answer.status != 0 or (answer.err.strip() and not answer.out.strip()):
            raise Unreadable(f"pending updates cannot be listed: {shown(answer.err or answer.out)}")
        lines = [line for line in answer.out.splitlines() if line.strip()]
        evidence = graded("pending security updates", len(lines), "", self.warn, self.fail)
        seen = f"{len(lines)}, for instance {shown(lines[0])}" if lines else "0"
        return conclude([Evidence(evidence.asked, evidence.expected, seen, evidence.verdict)])


@dataclass(frozen=True, kw_only=True)
class Reboot(Resource):
    """No reboot is due. Debian's family leaves a file; `needs-restarting -r` answers 1 on Amazon Linux."""

    kind: ClassVar[str] = "system.reboot"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    manager: str
    root: str = ""
    days: float = 14  # for how long it may be due before it fails

    async def inspect(self, target: Target) -> Finding:
        if self.manager == "apt":
            return await self._by_file(target)
        answer = await target.host.shell("needs-restarting -r >/dev/null", root=True)
        if answer.status not in (0, 1):
            raise Unreadable(f"whether a reboot is due cannot be told: {shown(answer.err or 'no needs-restarting')}")
        due = answer.status == 1
        verdict = Verdict.WARNS if due else Verdict.HOLDS
        return conclude([Evidence("reboot", "not due", "due" if due else "not due", verdict)])

    async def _by_file(self, target: Target) -> Finding:
        path = f"{self.root}/var/run/reboot-required"
        stat, clock = await asyncio.gather(target.host.stat(path), target.host.clock())
        if stat is None:
            return conclude([Evidence("reboot", "not due", "not due", Verdict.HOLDS)])
        age = (clock.wall - stat.mtime) / _DAY
        verdict = Verdict.DIFFERS if age >= self.days else Verdict.WARNS
        expected = f"not due (fails after {self.days:g} days)"
        return conclude([Evidence("reboot", expected, f"due since {age:.1f} days", verdict)])


@dataclass(frozen=True, kw_only=True)
class Age(Resource):
    """A file was written not too long ago, in days: the newest backup, the last time that one was restored."""

    kind: ClassVar[str] = "system.age"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    what: str
    path: str
    warn: float
    fail: float

    async def inspect(self, target: Target) -> Finding:
        stat, clock = await asyncio.gather(target.host.stat(self.path), target.host.clock())
        if stat is None:
            return conclude([Evidence(f"{self.what}: {self.path}", "there", "no such file", Verdict.ABSENT)])
        return conclude(
            [graded(f"age of {self.what}", (clock.wall - stat.mtime) / _DAY, " days", self.warn, self.fail)]
        )
