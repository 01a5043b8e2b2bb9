"""The operator's own machine: what is looked at there (`target.Local`), and the changes carried out there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from iris_migrate.changes import HttpCall, LocalCommand, LocalEdit
from iris_migrate.connections.local_files import edit_file, search_folder
from iris_migrate.connections.local_keys import make_key
from iris_migrate.connections.local_processes import Process, quick
from iris_migrate.connections.threads import Threads
from iris_migrate.redact import clean_bytes
from iris_migrate.target import FileStat, Shell, Unreadable

_TEXT = 1024 * 1024  # bytes of a file that are read
_THREADS = 4

Lines = Callable[[Sequence[str]], None]


class Workstation:
    """Paths may start with `~`. What cannot be done raises Unreadable with a sentence."""

    def __init__(self) -> None:
        self._threads = Threads("workstation", _THREADS)

    # Looking

    async def text(self, path: str) -> str | None:
        """A file's text, 1 MiB at most."""
        return await self._threads.run(partial(_text, path))

    async def stat(self, path: str) -> FileStat | None:
        return await self._threads.run(partial(_stat, path))

    async def search(self, folder: str, literal: str) -> Mapping[str, str]:
        """Files below a folder that contain a literal: path (beginning as `folder` does) to text."""
        return await self._threads.run(partial(search_folder, folder, literal))

    async def run(self, argv: Sequence[str], *, cwd: str = "", timeout: float = 60.0) -> Shell:
        """A command that only reads; 64 KiB of each output. Status 127 when there is no such program."""
        return await quick(argv, cwd=cwd, timeout=timeout)

    # Changing, for the executor

    async def make_key(self, path: str, comment: str) -> dict[str, Any]:
        """A key pair; an existing one is used as it is. Answers `public_key`."""
        return {"public_key": await self._threads.run(partial(make_key, path, comment))}

    async def edit(self, change: LocalEdit) -> None:
        """Rewrite a file in one move; refused when it is no longer as it was shown."""
        content = None if change.content is None else str(change.content)
        await self._threads.run(partial(edit_file, change.path, change.was, content))

    async def run_change(self, change: LocalCommand, heard: Lines) -> int:
        """Run a command in its own session, its lines handed on in batches. The exit status."""
        argv = [str(item) for item in change.argv]
        env = {name: str(value) for name, value in change.env.items()}
        return await Process(argv, change.cwd, env).watch(heard, change.timeout)

    async def http(self, change: HttpCall) -> dict[str, Any]:
        """One request with an effect. Its answers, and what is kept; a failure as `fails_if` says raises Unreadable."""
        import jmespath

        from iris_migrate.connections.web import Request, WebConnection

        headers = {name: str(value) for name, value in change.headers.items()}
        request = Request(
            change.method, str(change.url), headers, change.json, str(change.connect), change.ca, change.timeout
        )
        answer = await WebConnection().ask(request)
        if answer.status == 0:
            raise Unreadable(f"{change.method} {change.url}: {answer.error}")
        seen = {"status": answer.status, "headers": dict(answer.headers), "body": answer.body}
        if change.fails_if and jmespath.search(change.fails_if, seen):
            raise Unreadable(f"{change.method} {change.url}: HTTP {answer.status}: {str(answer.body)[:300]}")
        found = {name: jmespath.search(path, seen) for name, path in change.answers.items()}
        return {**found, "kept": jmespath.search(change.keep, seen)} if change.keep else found


def _text(path: str) -> str | None:
    try:
        with Path(path).expanduser().open("rb") as file:
            data = file.read(_TEXT + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > _TEXT:
        raise Unreadable(f"{path} is larger than 1 MiB")
    return clean_bytes(data)


_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}


def _stat(path: str) -> FileStat | None:
    place = Path(path).expanduser()
    try:
        seen = place.lstat()
        link = str(place.readlink()) if stat.S_ISLNK(seen.st_mode) else ""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unreadable(f"{path} cannot be looked at: {error.strerror}") from error
    kind = _KINDS.get(stat.S_IFMT(seen.st_mode), "other")
    owner, group = _names(seen)
    return FileStat(kind, f"{stat.S_IMODE(seen.st_mode):04o}", owner, group, seen.st_size, seen.st_mtime, link)


def _names(seen: os.stat_result) -> tuple[str, str]:
    """Owner and group by name; by number where they have none."""
    import grp
    import pwd

    try:
        owner = pwd.getpwuid(seen.st_uid).pw_name
    except KeyError:
        owner = str(seen.st_uid)
    try:
        return owner, grp.getgrgid(seen.st_gid).gr_name
    except KeyError:
        return owner, str(seen.st_gid)
