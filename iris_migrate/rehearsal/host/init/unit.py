"""One loaded unit: what its file says, the states it went through, and its lines in the journal."""

from __future__ import annotations

import re
import time
from typing import Protocol

from iris_migrate.rehearsal.host.init.journal import Journal
from iris_migrate.rehearsal.host.init.spawning import Spawning
from iris_migrate.rehearsal.host.init.unit_files import UnitFile, specifiers, words
from iris_migrate.rehearsal.host.tree import Tree


class Machine(Protocol):
    """What a service needs of init."""

    tree: Tree
    journal: Journal
    spawning: Spawning

    def environment(self, user: str) -> dict[str, str]: ...
    def user_exists(self, user: str) -> bool: ...


def monotonic_us() -> int:
    return time.monotonic_ns() // 1000


class Unit:
    """A unit by its name, with the file as it was loaded."""

    def __init__(self, machine: Machine, name: str, file: UnitFile) -> None:
        self.machine, self.name, self.file = machine, name, file
        self.active, self.sub = "inactive", "dead"
        self.invocation = ""
        self.active_enter = self.active_exit = self.inactive_enter = self.state_change = 0

    # --- what the unit file says

    @property
    def kind(self) -> str:
        if self.file.one("Service", "X-Practice"):
            return "always"
        if "Service" not in self.file.sections:
            return "always"  # timers, targets, sockets: there or not, without a process
        return self.file.one("Service", "Type", "simple")

    @property
    def user(self) -> str:
        return self.file.one("Service", "User", "root")

    @property
    def title(self) -> str:
        return self.file.one("Unit", "Description", self.name)

    def commands(self, key: str) -> list[tuple[list[str], str]]:
        """`Exec…=` lines: argument list and prefix characters."""
        found = []
        home = str(self.machine.tree.home(self.user))
        for line in self.file.all("Service", key):
            prefix = re.match(r"[-@:+!]*", line)
            marks = prefix.group() if prefix else ""
            argv = words(specifiers(line[len(marks) :], self.name, home))
            if argv:
                found.append((argv, marks))
        return found

    def _number(self, key: str, default: int) -> int:
        value = self.file.one("Unit", key) or self.file.one("Service", key)
        return int(value) if value.isdigit() else default

    def _seconds(self, key: str, default: float) -> float:
        section = "Unit" if self.file.one("Unit", key) else "Service"
        return self.file.seconds(section, key, default)

    def say(self, message: str, priority: int = 6) -> None:
        fields = {"INVOCATION_ID": self.invocation} if self.invocation else {}
        self.machine.journal.from_init(self.name, message, priority=priority, **fields)

    # --- states

    def _set(self, active: str, sub: str) -> None:
        now = monotonic_us()
        if active in ("active", "reloading") and self.active not in ("active", "reloading"):
            self.active_enter = now
        if self.active in ("active", "reloading") and active not in ("active", "reloading"):
            self.active_exit = now
        if active in ("inactive", "failed") and self.active not in ("inactive", "failed"):
            self.inactive_enter = now
        if (active, sub) != (self.active, self.sub):
            self.state_change = now
        self.active, self.sub = active, sub
