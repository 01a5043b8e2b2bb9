"""The host as a whole: it answers, it is the one we made, and its clock is right."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.resources.ec2.console import launch_time
from iris_migrate.target import Target, Unreadable

_BOOT = 300.0  # seconds after a launch in which no answer means booting
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
        return conclude(evidence)

    async def _no_answer(self, target: Target, asked: str, error: Unreadable) -> Finding:
        """Booting for a while after the launch; afterwards, or with a wrong key at once, it cannot be told."""
        if error.lasting:
            raise error
        launched = await launch_time(target, str(self.instance))
        if target.clock.now() >= launched + _BOOT:
            raise error
        evidence = [Evidence(asked, "answers with the pinned key", "no answer yet", Verdict.CONVERGING)]
        return conclude(evidence, reason=f"booting: {error}", until=launched + _BOOT)
