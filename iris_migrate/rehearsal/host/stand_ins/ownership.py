"""Who owns a file of the practice host: recorded on the file itself, as an extended attribute that moves with it.

A file without a record belongs to the owner of the nearest folder above it that has one, else to root. (An unprivileged
process cannot give files away; a symbolic link cannot carry a record.)
"""

from __future__ import annotations

import os

ATTRIBUTE = "user.practice.owner"


def check(root: str, error: type[Exception]) -> None:
    """Raises `error` where the file system keeps no such attributes."""
    try:
        os.setxattr(root, ATTRIBUTE, b"root:root")
    except OSError as reason:
        raise error(
            f"the file system of {root} keeps no extended attributes ({reason.strerror}): "
            "put the practice host on ext4, xfs, btrfs, or tmpfs of Linux 6.6 or newer"
        ) from reason


def recorded(path: str, *, follow: bool = False) -> tuple[str, str] | None:
    try:
        user, _, group = os.getxattr(path, ATTRIBUTE, follow_symlinks=follow).decode().partition(":")
    except OSError:
        return None
    return user, group


def owner(path: str, root: str, *, follow: bool = False) -> tuple[str, str]:
    """User and group of a file."""
    found = recorded(path, follow=follow)
    if found:
        return found
    folder = (
        os.path.realpath(path)
        if follow
        else os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path))
    )
    while folder.startswith(root) and folder != root:
        folder = os.path.dirname(folder)
        found = recorded(folder)
        if found:
            return found
    return "root", "root"


def record(path: str, root: str, user: str, group: str) -> None:
    """Make user and group (empty: as it was) the owner of a file. Raises OSError."""
    if os.path.islink(path):
        return
    before = owner(path, root)
    value = f"{user or before[0]}:{group or before[1]}".encode()
    try:
        os.setxattr(path, ATTRIBUTE, value)
    except PermissionError:
        mode = os.stat(path).st_mode & 0o7777
        os.chmod(path, mode | 0o200)
        os.setxattr(path, ATTRIBUTE, value)
        os.chmod(path, mode)
