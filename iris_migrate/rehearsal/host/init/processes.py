"""Which processes belong to the practice host, found in /proc; and how they are ended."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

PROC = Path("/proc")
_PR_SET_CHILD_SUBREAPER = 36


def text(path: str) -> str:
    """A small file's content."""
    return Path(path).read_text()


def become_reaper() -> None:
    """From now on orphans below this process become its children instead of the machine's init's."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def all_pids() -> Iterator[int]:
    return (int(path.name) for path in PROC.iterdir() if path.name.isdigit())


def parent(pid: int) -> int:
    """The parent's pid, 0 when the process is gone."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def zombie(pid: int) -> bool:
    """Whether a process has ended (gone, or only waiting to be reaped)."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


def descendants(root: int) -> set[int]:
    """Every process below one, itself not among them."""
    children: dict[int, list[int]] = {}
    for pid in all_pids():
        children.setdefault(parent(pid), []).append(pid)
    found: set[int] = set()
    waiting = list(children.get(root, ()))
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(children.get(pid, ()))
    return found


def marked(name: str, value: str) -> set[int]:
    """The processes whose environment has `name=value`."""
    needle = os.fsencode(f"{name}={value}") + b"\0"
    found = set()
    for pid in all_pids():
        try:
            environment = (PROC / str(pid) / "environ").read_bytes()
        except OSError:
            continue
        if environment.startswith(needle) or b"\0" + needle in environment:
            found.add(pid)
    return found


def nginxes(root: str) -> set[int]:
    """nginx processes of a practice host, which overwrite their environment: known by the paths in their titles."""
    found = set()
    for pid in all_pids():
        try:
            title = (PROC / str(pid) / "cmdline").read_bytes()
        except OSError:
            continue
        if title.startswith(b"nginx: ") and os.fsencode(root) + b"/" in title:
            found |= {pid, *descendants(pid)}
    return found


def send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


async def gone(pids: Iterable[int], within: float) -> bool:
    """Whether all of these end within so many seconds; waits for it."""
    until = time.monotonic() + within
    while not all(zombie(pid) for pid in pids):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.01)
    return True


def sweep(name: str, value: str, *, spare: frozenset[int] = frozenset(), within: float = 5.0) -> set[int]:
    """End every process with this mark; returns those that were left after `within` seconds."""
    until = time.monotonic() + within
    while True:
        left = {pid for pid in (marked(name, value) | nginxes(value)) - spare - {os.getpid()} if not zombie(pid)}
        if not left or time.monotonic() > until:
            return left
        send(left, signal.SIGKILL)
        time.sleep(0.01)
