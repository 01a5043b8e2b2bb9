"""What is wrong with a unit file although systemd accepts it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ASSIGNMENT = re.compile(r"^\s*([A-Za-z]+)\s*=(.*)$")
_TRAILING = re.compile(r"\s#")
_SYSTEM_PATH = re.compile(r"(?:^|[:=\"'])/(?:usr/)?bin(?:[:\"'\s]|$)")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: the line (0: the whole file), what is seen there, and what should be."""

    line: int
    says: str
    expected: str


def faults(unit: str) -> list[Fault]:
    """The faults of a service's unit file; each was tried on systemd 252, which reports none of them."""
    entries = list(_entries(unit))
    found: list[Fault] = []
    for number, name, value in entries:
        if _TRAILING.search(value) and not name.startswith("Exec"):
            seen = f"{name}= ends with a comment, which systemd reads as part of the value"
            found.append(Fault(number, seen, "comments on lines of their own"))
        if name in ("LogRateLimitIntervalSec", "LogRateLimitBurst") and value.strip() == "0":
            found.append(Fault(number, f"{name}=0 is ignored", "1s and 100000000 to let all lines through"))
        if name == "Environment" and "PATH=" in value and not _SYSTEM_PATH.search(value.split("PATH=", 1)[1]):
            seen = "PATH without the system's folders: child processes find no git, sh or tar"
            found.append(Fault(number, seen, "the virtual environment first, then /usr/bin"))
    names = {name for _, name, _ in entries}
    once = any(name == "Type" and value.strip() == "oneshot" for _, name, value in entries)
    if entries and "ExecStart" in names and "ExecReload" not in names and not once:
        seen = "no ExecReload=: `systemctl reload` fails, and log rotation with it"
        found.append(Fault(0, seen, "ExecReload=/bin/kill -s HUP $MAINPID"))
    return found


def directives(unit: str) -> dict[str, list[str]]:
    """The values of each name in a unit file, whatever its section; an empty value forgets those before it."""
    found: dict[str, list[str]] = {}
    for _, name, value in _entries(unit):
        found[name] = [*found.get(name, ()), value.strip()] if value.strip() else []
    return found


def _entries(unit: str) -> Iterator[tuple[int, str, str]]:
    """(line, name, value) of each assignment, continued lines joined, comment lines left out."""
    number, joined = 0, ""
    for at, line in enumerate(unit.splitlines(), 1):
        if line.lstrip().startswith(("#", ";")):
            continue
        number = number if joined else at
        if line.endswith("\\"):
            joined += line[:-1] + " "
            continue
        entry = _ASSIGNMENT.match(joined + line)
        joined = ""
        if entry:
            yield number, entry[1], entry[2]
