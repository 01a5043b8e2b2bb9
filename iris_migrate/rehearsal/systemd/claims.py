"""Who uses what of this machine: one note a running host, so that what a crash leaves is found and removed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iris_migrate.rehearsal.systemd import cgroups, network

FOLDER = Path("/run/iris-migrate-rehearsals")  # gone with a boot of this machine, as everything that a note names
_MOST = 32


class ClaimError(Exception):
    """No place for another host; the message says why."""


@dataclass(slots=True)
class Claim:
    """A number that nobody else has: it names the namespace, the network, the groups."""

    number: int
    path: Path
    facts: dict[str, Any] = field(default_factory=dict)

    def note(self, **facts: Any) -> None:
        """Write down what is about to be made, or is made: before a crash can forget it."""
        self.facts |= facts
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.facts))
        part.replace(self.path)

    def note_process(self, name: str, pid: int) -> None:
        self.note(**{name: [pid, started(pid)]})

    def release(self) -> None:
        """Take down whatever is still there of it, and forget it."""
        with _locked():
            _take_down(self.number, self.facts)
            self.path.unlink(missing_ok=True)


def claim() -> Claim:
    """A number of our own; what crashed ones left is removed first."""
    with _locked():
        _sweep()
        for number in range(_MOST):
            path = FOLDER / f"{number}.json"
            if not path.exists() and network.is_free(number):
                mine = Claim(number, path)
                mine.note(owner=[os.getpid(), started(os.getpid())])
                return mine
    raise ClaimError(f"{_MOST} real hosts run already, or their addresses are in use on this machine.")


def started(pid: int) -> str:
    """When a process was started, in the kernel's ticks: with its id it names one process for good. Empty: gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _alive(process: Any) -> bool:
    return bool(process) and bool(process[1]) and started(int(process[0])) == process[1]


@contextmanager
def _locked() -> Iterator[None]:
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sweep() -> None:
    for path in FOLDER.glob("*.json"):
        try:
            facts = json.loads(path.read_text())
            number = int(path.stem)
        except (OSError, ValueError):
            continue
        if not _alive(facts.get("owner")):
            _take_down(number, facts)
            path.unlink(missing_ok=True)


def _take_down(number: int, facts: dict[str, Any]) -> None:
    """End and remove what a note names: processes by id and start, the rest by names that carry the number."""
    for name in ("pebble", "nspawn"):
        if _alive(facts.get(name)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(facts[name][0]), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while (left := {*network.processes(number), *cgroups.processes(number)}) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    if facts.get("network"):
        network.take_down(number)
    if facts.get("forwarding") == "0" and not any(_others(number)):
        network.set_forwarding("0")
    cgroups.remove(number)
    if facts.get("folder"):
        folder = Path(facts["folder"])
        if folder.name == f"host-{number}" and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


def _others(number: int) -> Iterator[bool]:
    for path in FOLDER.glob("*.json"):
        yield path.stem != str(number)
