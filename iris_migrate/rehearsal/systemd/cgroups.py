"""The control groups of one host, where no systemd of this machine hands them out."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def managed() -> bool:
    """Whether this machine's own systemd makes the groups (then nspawn asks it)."""
    return Path("/run/systemd/system").is_dir()


def folders(number: int) -> list[Path]:
    """Where the host's groups lie: in one tree, or in systemd's own two of a hybrid layout."""
    if (_ROOT / "cgroup.procs").exists():
        return [_ROOT / f"iris-rehearsal-{number}"]
    trees = [_ROOT / name for name in ("systemd", "unified")]
    return [tree / f"iris-rehearsal-{number}" for tree in trees if (tree / "cgroup.procs").exists()]


def can_be_made() -> bool:
    """Whether groups can be had: by this machine's systemd, or in trees that take ours."""
    trees = [folder.parent for folder in folders(0)]
    return managed() or (bool(trees) and all(os.access(tree, os.W_OK) and not _read_only(tree) for tree in trees))


def _read_only(tree: Path) -> bool:
    return bool(os.statvfs(tree).f_flag & os.ST_RDONLY)


def make(number: int) -> list[Path]:
    """Make the groups; the files into which a process writes its id to join."""
    if managed():
        return []
    made = folders(number)
    for folder in made:
        folder.mkdir(exist_ok=True)
    return [folder / "cgroup.procs" for folder in made]


def processes(number: int) -> set[int]:
    """The ids of all processes in the groups."""
    found: set[int] = set()
    for folder in folders(number):
        for path in folder.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                found.update(int(line) for line in path.read_text().split())
    return found


def remove(number: int) -> None:
    for folder in folders(number):
        for path in sorted(folder.rglob("*"), key=lambda item: len(item.parts), reverse=True):
            if path.is_dir():
                with contextlib.suppress(OSError):
                    path.rmdir()
        with contextlib.suppress(OSError):
            folder.rmdir()
