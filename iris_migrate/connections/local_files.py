"""Files of the workstation: searched for a literal, rewritten in one move."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from iris_migrate.redact import clean
from iris_migrate.target import Unreadable

_LEFT_OUT = frozenset({"node_modules", ".git"})
_LARGEST = 16 * 1024 * 1024  # bytes; a compiled bundle has a few MB
_MOST = 200  # files that contain the literal


def search_folder(folder: str, literal: str) -> dict[str, str]:
    """Text files below `folder` that contain `literal`, by path; links are not followed. Raises Unreadable."""
    if not literal:
        raise Unreadable("an empty text stands in every file: name what is looked for")
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise Unreadable(f"the folder {folder} is not there")
    needle = literal.encode()
    found: dict[str, str] = {}
    for place, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(files):
            path = Path(place, name)
            text = _containing(path, needle)
            if text is None:
                continue
            if len(found) == _MOST:
                raise Unreadable(f"more than {_MOST} files below {folder} contain {literal!r}")
            found[str(Path(folder, path.relative_to(root)))] = text
    return found


def _containing(path: Path, needle: bytes) -> str | None:
    """The text of a file that contains the needle; None for others, binaries, links, and what cannot be read."""
    try:
        seen = path.lstat()
        if not stat.S_ISREG(seen.st_mode) or seen.st_size > _LARGEST:
            return None
        data = path.read_bytes()
        if needle not in data or b"\0" in data:
            return None
        return clean(data.decode())
    except (OSError, UnicodeDecodeError):
        return None


def edit_file(path: str, was: str | None, content: str | None) -> None:
    """Bring a file from `was` to `content` (None: no file). Raises Unreadable when it is neither.

    Line ends of a file that has CR LF throughout are kept; other control characters could not have been shown, so
    such a file is left alone.
    """
    place = Path(path).expanduser().resolve()
    raw = _raw(place, path)
    windows = raw is not None and "\r\n" in raw and raw.count("\r\n") == raw.count("\n")
    now = raw.replace("\r\n", "\n") if raw is not None and windows else raw
    if now == content:
        return
    if now != was:
        if now is not None and was is not None and clean(now) == was:
            raise Unreadable(f"{path} contains control characters; edit it by hand")
        raise Unreadable(f"{path} is not as it was when the change was shown; nothing was written")
    if content is None:
        place.unlink()
        return
    _write(place, content.replace("\n", "\r\n") if windows else content)


def _raw(place: Path, shown: str) -> str | None:
    try:
        return place.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise Unreadable(f"{shown} is not UTF-8; edit it by hand") from error
    except OSError as error:
        raise Unreadable(f"{shown} cannot be read: {error.strerror}") from error


def _write(place: Path, content: str) -> None:
    """Whole or not at all: written beside it, brought to the disk, moved over it. The mode stays."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else 0o644
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content.encode())
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            Path(temporary).replace(place)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Unreadable(f"{place} cannot be written: {error.strerror}") from error
