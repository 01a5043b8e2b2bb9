"""The host's own SSH server: what it lets in, as it runs and not only as its files say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from iris_migrate.changes import Change, HostCommand
from iris_migrate.findings import Evidence, Finding, conclude, judge
from iris_migrate.resources.base import Resource
from iris_migrate.resources.freshness import Ages
from iris_migrate.resources.service import systemctl, unit_name
from iris_migrate.target import Target, Unreadable

_SSHD = '"$(command -v sshd || echo /usr/sbin/sshd)"'  # not on every PATH, and re-executed only by its whole path


def tested() -> HostCommand:
    """A configuration that does not pass is never loaded: nobody could log in any more."""
    return HostCommand(
        says="Test the SSH server's configuration", argv=("sh", "-c", f"exec {_SSHD} -t"), root=True, timeout=60.0
    )


@dataclass(frozen=True, kw_only=True)
class Server(Resource):
    """The SSH server is set like this, whichever of its files says so, and has been started with that.

    Its effective settings are asked from sshd itself: the first of several files that sets one wins. A restart lets
    connections that are open go on.
    """

    kind: ClassVar[str] = "ssh.server"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    name: str  # ssh or sshd
    files: tuple[str, ...]  # read when it starts
    expect: Mapping[str, str]  # in lower case, as `sshd -T` prints them

    async def inspect(self, target: Target) -> Finding:
        unit, clock, changed, effective = await asyncio.gather(
            target.host.unit(unit_name(self.name)),
            target.host.clock(),
            asyncio.gather(*(target.host.newest(path) for path in self.files)),
            target.host.shell(f"exec {_SSHD} -T", root=True),
        )
        if effective.status != 0:
            reason = (effective.err or effective.out).strip().splitlines()[-1:] or [f"status {effective.status}"]
            raise Unreadable(f"sshd does not tell its settings: {reason[0][:200]}")
        lines = (line.partition(" ") for line in effective.out.splitlines())
        seen = {name.lower(): value for name, _, value in lines}
        evidence: list[Evidence] = [
            judge(f"sshd: {name}", value, seen.get(name, "not set")) for name, value in self.expect.items()
        ]
        if unit.active == "active":  # started anew for each connection where it is not
            ages = Ages(clock)
            evidence += [
                ages.against(path, time, unit.name, unit.started)
                for path, time in zip(self.files, changed, strict=True)
            ]
        return conclude(evidence)

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        name = unit_name(self.name)
        return [tested(), systemctl(f"Restart {name}; open connections go on", "restart", name)]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """What it runs with follows its files, which have steps of their own."""
        return []
