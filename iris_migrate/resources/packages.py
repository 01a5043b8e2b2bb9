"""Packages of the operating system, with apt or dnf."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from iris_migrate.changes import Change, HostCommand
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge, unknown
from iris_migrate.resources.base import Resource
from iris_migrate.resources.freshness import duration
from iris_migrate.target import Target

HOST = frozenset({"host"})
DAY = 86_400.0
# cloud-init and unattended upgrades hold the lock for minutes after the first boot: wait for it instead of failing.
_APT = ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300")
_DNF = ("dnf", "-q", "-y")
_APT_ENV = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "a"}


def _run(says: str, *argv: str, timeout: float = 900.0) -> HostCommand:
    env = _APT_ENV if argv[0] == "apt-get" else {}
    return HostCommand(says=says, argv=argv, root=True, env=env, timeout=timeout)


@dataclass(frozen=True, kw_only=True)
class Installed(Resource):
    """These packages are installed."""

    kind: ClassVar[str] = "packages.installed"
    uses: ClassVar[frozenset[str]] = HOST
    names: tuple[str, ...]
    manager: str  # apt | dnf

    async def inspect(self, target: Target) -> Finding:
        versions = await asyncio.gather(*(target.host.package(name) for name in self.names))
        evidence = [
            Evidence(
                f"package {name}", "installed", version or "not installed", Verdict.HOLDS if version else Verdict.ABSENT
            )
            for name, version in zip(self.names, versions, strict=True)
        ]
        missing = tuple(name for name, version in zip(self.names, versions, strict=True) if not version)
        return conclude(evidence, facts={"missing": missing})

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        names = finding.facts.get("missing") or self.names
        says = f"Install {', '.join(names)}"
        if self.manager == "dnf":
            return [_run(says, *_DNF, "install", "--", *names)]
        return [
            _run("Fetch the lists of packages", *_APT, "update"),
            _run(says, *_APT, "install", "--no-install-recommends", "--", *names),
        ]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        still = finding.facts.get("missing") or ()
        added = tuple(name for name in before.facts.get("missing") or () if name not in still)
        if not added:
            return []
        argv = (*(_DNF if self.manager == "dnf" else _APT), "remove", "--", *added)
        return [_run(f"Remove {', '.join(added)}", *argv)]


@dataclass(frozen=True, kw_only=True)
class Upgraded(Resource):
    """All packages were brought up to date, not too long ago. Upgrades that came out since are a warning at first."""

    kind: ClassVar[str] = "packages.upgraded"
    uses: ClassVar[frozenset[str]] = HOST
    manager: str  # apt | dnf
    stamp: str  # a file of ours, whose time tells when this was last done
    reboot_file: str  # /var/run/reboot-required, made by the packages that want it
    max_days: float = 30.0  # pending upgrades are left alone until then: other means install the urgent ones

    async def inspect(self, target: Target) -> Finding:
        stamp, reboot, clock, pending = await asyncio.gather(
            target.host.stat(self.stamp),
            target.host.stat(self.reboot_file),
            target.host.clock(),
            target.host.shell(_pending(self.manager)),
        )
        if stamp is None:
            # Without fresh lists nothing is ever pending: a new image would look up to date.
            return conclude([Evidence("packages upgraded", "once since this host was made", "never", Verdict.ABSENT)])
        if pending.status != 0 or not pending.out.strip().isdigit():
            return unknown(
                f"{self.manager} does not tell what is pending: {(pending.err or pending.out).strip()[:200]}"
            )
        count, age = int(pending.out), clock.wall - stamp.mtime
        late = Verdict.DIFFERS if age > self.max_days * DAY else Verdict.WARNS
        evidence = [
            Evidence("packages upgraded", "once since this host was made", f"{duration(age)} ago", Verdict.HOLDS),
            judge("upgrades pending", "none", str(count) if count else "none", otherwise=late),
            judge("restart of the host needed", "no", "yes" if reboot else "no", otherwise=Verdict.WARNS),
        ]
        return conclude(evidence)

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        done = _run("Note that this was done", "install", "-D", "-m", "0644", "/dev/null", self.stamp, timeout=60.0)
        if self.manager == "dnf":
            return [_run("Upgrade all packages of this release", *_DNF, "upgrade", timeout=1800.0), done]
        keep = ("-o", "Dpkg::Options::=--force-confold")
        return [
            _run("Fetch the lists of packages", *_APT, "update"),
            _run("Upgrade all packages; configuration that was edited stays", *_APT, *keep, "upgrade", timeout=1800.0),
            done,
        ]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """The versions stay: older ones are not to be had any more. The note goes, so that it is done again."""
        if before.verdict is Verdict.ABSENT and finding.verdict is not Verdict.ABSENT:
            return [_run(f"Remove {self.stamp}", "rm", "-f", "--", self.stamp, timeout=60.0)]
        return []


def _pending(manager: str) -> str:
    """A probe that counts the packages of which a newer version is known. Reads only the lists that are there."""
    if manager == "dnf":  # status 100: there are some
        listing, good, lines = "dnf -q -C check-update", "[ $? -eq 100 ]", "NF == 3"
    else:
        listing, good, lines = "apt-get -q -s -o Debug::NoLocking=true upgrade", "false", "/^Inst /"
    failed = '{ echo "$found" | tail -n 1 >&2; exit 3; }'
    count = f"printf '%s\\n' \"$found\" | awk '{lines} {{n++}} END {{print n + 0}}'"
    return f"found=$({listing} 2>&1) || {good} || {failed}; {count}"
