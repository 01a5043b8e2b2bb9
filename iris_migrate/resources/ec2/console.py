"""The host's SSH keys as its console tells them: the way to know a host before the first connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.target import Target

_BLOCK = re.compile(r"-----BEGIN SSH HOST KEY FINGERPRINTS-----(.*?)-----END SSH HOST KEY FINGERPRINTS-----", re.DOTALL)
_FINGERPRINT = re.compile(r"\bSHA256:[A-Za-z0-9+/]{43}")
_PATIENCE = 600.0  # seconds after launch in which the console may still be empty; EC2 is minutes behind at times


@dataclass(frozen=True, kw_only=True)
class ConsoleFingerprints(Resource):
    """The console output of the instance shows the fingerprints of its SSH host keys (cloud-init prints them).

    They come through the AWS API, past whoever sits between here and the host. Printed at the first boot only: once
    the console has scrolled on, what was pinned then counts, and this warns.
    """

    kind: ClassVar[str] = "ec2.console_fingerprints"
    calls: ClassVar[frozenset[str]] = frozenset({"ec2:GetConsoleOutput", "ec2:DescribeInstances"})
    outputs: ClassVar[frozenset[str]] = frozenset({"fingerprints"})
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    check_only: ClassVar[bool] = True
    instance: Ref

    async def inspect(self, target: Target) -> Finding:
        asked = f"SSH host keys on the console of {self.instance}"
        answer = await target.aws.read("ec2", "GetConsoleOutput", InstanceId=self.instance, Latest=True)
        blocks = _BLOCK.findall(str(answer.get("Output") or ""))
        found = list(dict.fromkeys(_FINGERPRINT.findall(blocks[-1]))) if blocks else []
        if found:
            return conclude([Evidence(asked, "shown", ", ".join(found), Verdict.HOLDS)], {"fingerprints": found})
        launched = await launch_time(target, str(self.instance))
        if target.clock.now() < launched + _PATIENCE:
            evidence = [Evidence(asked, "shown", "not yet", Verdict.CONVERGING)]
            return conclude(evidence, until=launched + _PATIENCE)
        evidence = [Evidence(asked, "shown", "not shown (any more)", Verdict.WARNS)]
        reason = "a key that was pinned before counts; without one the first connection shows its fingerprint and asks"
        return conclude(evidence, {"fingerprints": []}, reason=reason)


async def launch_time(target: Target, instance: str) -> float:
    """When an instance was last launched or started, in seconds since the epoch; 0 when EC2 does not tell."""
    answer = await target.aws.read("ec2", "DescribeInstances", InstanceIds=[instance])
    reservations = answer.get("Reservations") or ()
    instances: list[Mapping[str, Any]] = [item for group in reservations for item in group.get("Instances") or ()]
    launched = instances[0].get("LaunchTime") if instances else None
    return float(launched.timestamp()) if launched is not None else 0.0
