"""Monitoring: what may drift while nobody looks; a line where it warns and one where it fails. Looks only."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import dataclass
from typing import ClassVar

from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Resource
from iris_migrate.resources.certificate import read_certificate
from iris_migrate.resources.expect import shown
from iris_migrate.resources.http import HEALTHY, judge_body
from iris_migrate.resources.logs import ERRORS, error_lines
from iris_migrate.target import Target, Unreadable

_DAY = 86400.0
_MIB = 1024 * 1024


def graded(asked: str, seen: float, unit: str, warn: float, fail: float) -> Evidence:
    """Evidence for a figure that should stay low. `warn` and `fail` are the first bad values."""
    verdict = Verdict.DIFFERS if seen >= fail else Verdict.WARNS if seen >= warn else Verdict.HOLDS
    return Evidence(asked, f"below {warn:g}{unit} (fails at {fail:g}{unit})", f"{seen:.1f}{unit}", verdict)


@dataclass(frozen=True, kw_only=True)
class Host(Resource):
    """The host answers, and its clock is right to `seconds`: certificates, tokens and log times depend on it."""

    kind: ClassVar[str] = "monitor.host"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    seconds: float = 60

    async def inspect(self, target: Target) -> Finding:
        clock = await target.host.clock()
        off = clock.wall - target.clock.now()
        verdict = Verdict.HOLDS if abs(off) <= self.seconds else Verdict.DIFFERS
        return conclude(
            [Evidence("clock against this workstation's", f"at most {self.seconds:g} s off", f"{off:+.1f} s", verdict)]
        )


@dataclass(frozen=True, kw_only=True)
class Service(Resource):
    """A unit is active, starts at boot, was not restarted by systemd too often, and its health answers."""

    kind: ClassVar[str] = "monitor.service"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    unit: str
    url: str = ""
    expect: str = HEALTHY
    restarts_warn: int = 1
    restarts_fail: int = 5
    stable: float = 0  # seconds that it has to run before it counts

    async def inspect(self, target: Target) -> Finding:
        name = f"{self.unit}.service"
        unit, boot = await asyncio.gather(target.host.unit(name), self._boot(target))
        if unit.load == "not-found":
            return conclude([Evidence(f"{self.unit}.service", "active", "no such unit", Verdict.ABSENT)])
        state = "active" if unit.active == "active" else f"{unit.active}, result {unit.result or 'unknown'}"
        evidence = [
            judge(f"{self.unit}.service", "active", state),
            judge("at boot", "enabled", unit.enabled, otherwise=Verdict.WARNS),
            graded("restarts by systemd", unit.restarts, "", self.restarts_warn, self.restarts_fail),
        ]
        if self.stable and unit.active == "active":
            runs = boot - unit.active_since
            steady = Verdict.HOLDS if runs >= self.stable else Verdict.WARNS
            evidence.append(Evidence("runs without a break since", f"{self.stable:g} s", f"{runs:.0f} s", steady))
        if self.url:
            evidence += judge_body(self.url, self.expect, await target.host.http(self.url))
        return conclude(evidence)

    async def _boot(self, target: Target) -> float:
        """Seconds since the host's boot, where they matter."""
        return (await target.host.clock()).boot if self.stable else 0.0


@dataclass(frozen=True, kw_only=True)
class Nginx(Resource):
    """nginx is active and listens where clients come in."""

    kind: ClassVar[str] = "monitor.nginx"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    ports: tuple[int, ...]
    unit: str = "nginx"

    async def inspect(self, target: Target) -> Finding:
        unit, listeners = await asyncio.gather(target.host.unit(f"{self.unit}.service"), target.host.listening())
        public = {item.port for item in listeners if not item.address.startswith("127.") and item.address != "::1"}
        local = {item.port for item in listeners} - public
        evidence = [
            judge(f"{self.unit}.service", "active", unit.active),
            judge("at boot", "enabled", unit.enabled, otherwise=Verdict.WARNS),
        ]
        for port in self.ports:
            seen = "listening" if port in public else "listening on loopback only" if port in local else "closed"
            evidence.append(judge(f"port {port}", "listening", seen))
        return conclude(evidence)


@dataclass(frozen=True, kw_only=True)
class Disk(Resource):
    """The file system that holds a path has room and can be written. Figures are percent used."""

    kind: ClassVar[str] = "monitor.disk"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    path: str
    warn: float = 80
    fail: float = 92
    inodes: int = 1000  # files that it can still take, below which it fails

    async def inspect(self, target: Target) -> Finding:
        found = await target.host.filesystem(self.path)
        if found is None or not found.size:
            return conclude([Evidence(f"file system of {self.path}", "there", "not there", Verdict.UNKNOWN)])
        used = 100 * (found.size - found.available) / found.size
        return conclude(
            [
                graded(f"{found.mount} used", used, " %", self.warn, self.fail),
                Evidence(
                    f"files that {found.mount} can still take",
                    f"at least {self.inodes}",
                    str(found.inodes_free),
                    # Some file systems (btrfs) have no fixed number and say 0.
                    Verdict.HOLDS if found.inodes_free >= self.inodes or found.type == "btrfs" else Verdict.DIFFERS,
                ),
                judge(f"{found.mount}", "writable", "read-only" if found.read_only else "writable"),
            ]
        )


@dataclass(frozen=True, kw_only=True)
class CacheSize(Resource):
    """A folder stays below its bounds, in MiB."""

    kind: ClassVar[str] = "monitor.cache_size"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    path: str
    warn_mb: float = 2048
    fail_mb: float = 8192

    async def inspect(self, target: Target) -> Finding:
        stat, answer = await asyncio.gather(
            target.host.stat(self.path), target.host.shell(f"du -sk -- {shlex.quote(self.path)}", root=True)
        )
        if stat is None:
            return conclude([Evidence(self.path, "a folder", "not there", Verdict.ABSENT)])
        size, _, _ = answer.out.partition("\t")
        if not size.strip().isdigit():
            raise Unreadable(f"the size of {self.path} cannot be read: {shown(answer.err or answer.out)}")
        return conclude([graded(f"size of {self.path}", int(size) * 1024 / _MIB, " MiB", self.warn_mb, self.fail_mb)])


@dataclass(frozen=True, kw_only=True)
class LogErrors(Resource):
    """Few error lines in a unit's log (a `file`, else its journal) in the last minutes."""

    kind: ClassVar[str] = "monitor.log_errors"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    unit: str
    file: str = ""
    minutes: float = 60
    warn: int = 1
    fail: int = 20
    pattern: str = ERRORS

    async def inspect(self, target: Target) -> Finding:
        clock = await target.host.clock()
        lines = await error_lines(target, self.unit, self.file, clock.wall - self.minutes * 60, self.pattern)
        asked = f"errors of {self.unit} in the last {self.minutes:g} min"
        evidence = graded(asked, len(lines), "", self.warn, self.fail)
        seen = f"{len(lines)}, the last: {shown(lines[-1])}" if lines else "0"
        return conclude([Evidence(evidence.asked, evidence.expected, seen, evidence.verdict)])


@dataclass(frozen=True, kw_only=True)
class CertificateDays(Resource):
    """Days that the certificate on the host still lasts. certbot renews at 30: fewer means that renewal is broken."""

    kind: ClassVar[str] = "monitor.certificate_days"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    check_only: ClassVar[bool] = True
    path: str
    domain: str
    warn: float = 21
    fail: float = 7

    async def inspect(self, target: Target) -> Finding:
        pem, clock = await asyncio.gather(target.host.text(self.path), target.host.clock())
        if pem is None:
            return conclude([Evidence(self.path, "a certificate", "no such file", Verdict.ABSENT)])
        seen = read_certificate(pem)
        left = (seen["not_after"] - clock.wall) / _DAY
        verdict = Verdict.DIFFERS if left < self.fail else Verdict.WARNS if left < self.warn else Verdict.HOLDS
        return conclude(
            [
                judge("name in the certificate", True, self.domain in seen["names"]),
                Evidence("days left", f"at least {self.warn:g} (fails below {self.fail:g})", f"{left:.1f}", verdict),
            ]
        )
