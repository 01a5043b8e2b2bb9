"""The typed facts of `target.Host` over batches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from iris_migrate.connections.host import probes
from iris_migrate.connections.host.looking import Looking
from iris_migrate.connections.host.requests import HTTP, Request, configuration
from iris_migrate.connections.host.units import UNIT
from iris_migrate.target import (
    FileStat,
    Filesystem,
    GitState,
    HostClock,
    Http,
    Listener,
    OsRelease,
    ProcessState,
    Shell,
    UnitState,
    Unreadable,
)

_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]+")
_SUFFIX = re.compile(r"\.(service|socket|timer|target|path|mount|automount|swap|slice|scope|device)$")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:-]*")
LONGEST = 60_000  # bytes of a free probe's script: it is one argument


@dataclass(frozen=True, slots=True)
class Expected:
    """A file and the content it should have, which is shown nowhere."""

    path: str
    content: bytes = field(repr=False)

    def __str__(self) -> str:
        return self.path


class HostFacts:
    """Implements `Host`. `root` is the prefix of the operating system's own files (a practice host has one)."""

    def __init__(self, looking: Looking, root: str = "") -> None:
        self._looking, self._root = looking, root

    @property
    def batches(self) -> int:
        """How many batches were sent so far."""
        return self._looking.batches

    async def stat(self, path: str, *, root: bool = True) -> FileStat | None:
        return cast(FileStat | None, await self._looking.ask(probes.STAT, _path(path), root=root))

    async def digest(self, path: str, *, root: bool = True) -> str | None:
        return cast(str | None, await self._looking.ask(probes.DIGEST, _path(path), root=root))

    async def text(self, path: str, *, root: bool = True) -> str | None:
        return cast(str | None, await self._looking.ask(probes.TEXT, _path(path), root=root))

    async def names(self, path: str, *, root: bool = True) -> tuple[str, ...] | None:
        return cast(tuple[str, ...] | None, await self._looking.ask(probes.NAMES, _path(path), root=root))

    async def newest(self, *paths: str, root: bool = True) -> float | None:
        if not paths:
            return None
        return cast(float | None, await self._looking.ask(probes.NEWEST, tuple(map(_path, paths)), root=root))

    async def unit(self, name: str) -> UnitState:
        if not _UNIT.fullmatch(name):
            raise Unreadable(f"{name!r} cannot be the name of a unit")
        full = name if _SUFFIX.search(name) else f"{name}.service"
        return cast(UnitState, await self._looking.ask(UNIT, full, root=False))

    async def package(self, name: str) -> str | None:
        if not _PACKAGE.fullmatch(name):
            raise Unreadable(f"{name!r} cannot be the name of a package")
        return cast(str | None, await self._looking.ask(probes.PACKAGE, name, root=False))

    async def listening(self) -> tuple[Listener, ...]:
        return cast(tuple[Listener, ...], await self._looking.ask(probes.LISTENING, "sockets", root=True))

    async def variables(self, pid: int) -> tuple[str, ...] | None:
        return cast(tuple[str, ...] | None, await self._looking.ask(probes.VARIABLES, int(pid), root=True))

    async def process(self, pid: int) -> ProcessState | None:
        return cast(ProcessState | None, await self._looking.ask(probes.PROCESS, int(pid), root=False))

    async def clock(self) -> HostClock:
        return cast(HostClock, await self._looking.ask(probes.CLOCK, "clock", root=False))

    async def filesystem(self, path: str) -> Filesystem | None:
        return cast(Filesystem | None, await self._looking.ask(probes.FILESYSTEM, _path(path), root=True))

    async def git(self, path: str) -> GitState | None:
        return cast(GitState | None, await self._looking.ask(probes.GIT, _path(path), root=True))

    async def os(self) -> OsRelease:
        return cast(OsRelease, await self._looking.ask(probes.OS, f"{self._root}/etc/os-release", root=False))

    async def http(self, url: str, *, headers: Mapping[str, str] | None = None) -> Http:
        request = Request(url, tuple((headers or {}).items()))
        try:
            configuration(request)
        except ValueError as error:
            raise Unreadable(f"{url}: {error}") from error
        return cast(Http, await self._looking.ask(HTTP, request, root=False))

    async def shell(self, script: str, *, root: bool = False) -> Shell:
        if "\0" in script or len(script.encode()) > LONGEST:
            raise Unreadable("a probe's script has at most 60,000 bytes and no NUL")
        return cast(Shell, await self._looking.ask(probes.SHELL, script, root=root))

    async def matches(self, path: str, content: bytes) -> bool:
        """Whether a file is exactly this. False when there is no such file."""
        return bool(await self._looking.ask(probes.MATCH, Expected(_path(path), content), root=True))


def _path(path: Any) -> str:
    text = str(path)
    if not text.startswith("/") or "\0" in text or "\n" in text:
        raise Unreadable(f"{text!r} is not an absolute path in one line")
    return text
