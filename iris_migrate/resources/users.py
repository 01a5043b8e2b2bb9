"""System users on the host."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import ClassVar

from iris_migrate.changes import Change, HostCommand
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge, unknown
from iris_migrate.resources.base import Resource
from iris_migrate.target import Target

_FIRST_PERSON = 1000  # uids from here on belong to people (login.defs UID_MIN on all our systems)
_NOT_FOUND = 2  # getent: one or more names are not there


@dataclass(frozen=True, kw_only=True)
class SystemUser(Resource):
    """A user without a login is there, for a service to run as."""

    kind: ClassVar[str] = "users.system_user"
    uses: ClassVar[frozenset[str]] = frozenset({"host"})
    name: str
    home: str
    shell: str = "/usr/sbin/nologin"

    async def inspect(self, target: Target) -> Finding:
        answer = await target.host.shell(f"getent passwd {shlex.quote(self.name)}")
        if answer.status == _NOT_FOUND:
            return conclude([Evidence(f"user {self.name}", "there", "not there", Verdict.ABSENT)])
        fields = answer.out.strip().split(":")
        if answer.status != 0 or len(fields) != 7 or not fields[2].isdigit():
            return unknown(f"getent passwd {self.name} gave no entry: {(answer.err or answer.out).strip()[:200]}")
        uid, home, shell = int(fields[2]), fields[5], fields[6]
        if uid == 0 or (uid >= _FIRST_PERSON and shell != self.shell):
            return unknown(
                f"{self.name} (uid {uid}, shell {shell}) is a person's or root's account and is left alone; "
                "choose another service.user"
            )
        evidence = [
            judge(f"user {self.name}", "there", "there"),
            judge(f"home of {self.name}", self.home, home),
            judge(f"login shell of {self.name}", self.shell, shell),
        ]
        return conclude(evidence, facts={"home": home, "shell": shell})

    def plan(self, finding: Finding) -> list[Change]:
        if finding.verdict is Verdict.ABSENT:
            argv = (
                "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", self.home,
                "--shell", self.shell, self.name,
            )  # fmt: skip
            return [HostCommand(says=f"Make the system user {self.name}", argv=argv, root=True)]
        return [self._turn(self.home, self.shell)] if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        if not finding.facts:
            return []
        if before.verdict is Verdict.ABSENT:
            return [HostCommand(says=f"Remove the user {self.name}", argv=("userdel", self.name), root=True)]
        was = before.facts
        return [self._turn(was["home"], was["shell"])] if was and was != finding.facts else []

    def _turn(self, home: str, shell: str) -> HostCommand:
        argv = ("usermod", "--home", home, "--shell", shell, self.name)
        return HostCommand(says=f"Set the home and shell of {self.name} to {home}, {shell}", argv=argv, root=True)
