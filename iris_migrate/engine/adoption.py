"""What a host that was set up by hand says about settings: its unit, its files, its processes. Looks only.

Which setting is told by what stands in the checklist (`adopt:`); values of variables are read by their names alone.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from iris_migrate.language.setting_values import wrong_with
from iris_migrate.language.settings import SettingDeclaration
from iris_migrate.resources.gunicorn import literals
from iris_migrate.resources.service import unit_name
from iris_migrate.resources.unit_lint import directives
from iris_migrate.target import GitState, Host, Unreadable

SERVER = "gunicorn"
_APPLICATION = re.compile(r"[A-Za-z0-9_.]+:[A-Za-z0-9_.()]+")
_LOOPBACK = r"(127\.0\.0\.1|localhost|\[::1\])"


@dataclass(frozen=True, slots=True)
class Told:
    """A value for a setting, and what on the host tells it; `wrong` says why it cannot be taken over."""

    value: Any
    where: str
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit file that starts the application server, read as text: also one that systemd refuses to start."""

    name: str
    path: str
    says: Mapping[str, Sequence[str]]

    def one(self, name: str) -> str:
        values = self.says.get(name) or [""]
        return values[-1]

    @property
    def command(self) -> list[str]:
        try:
            return shlex.split(self.one("ExecStart").lstrip("-@:+!"))
        except ValueError:
            return self.one("ExecStart").split()

    def option(self, *names: str) -> str:
        """The value of a command line option, `--name value` or `--name=value`."""
        words = self.command
        for place, word in enumerate(words):
            name, sign, value = word.partition("=")
            if name in names:
                return value if sign else (words[place + 1] if place + 1 < len(words) else "")
        return ""


async def adopted(
    host: Host, declared: Iterable[SettingDeclaration], *, units: str, root: str, profiles: Mapping[str, Any],
    unit: str = "",
) -> dict[str, Told]:  # fmt: skip
    """The settings that the host tells, by name. Raises Unreadable when it is not told which unit is meant."""
    wanted = {item.name: item for item in declared if item.adopt}
    names = {item.adopt.removeprefix("variable ") for item in wanted.values() if item.adopt.startswith("variable ")}
    seen = await _Looking(host, await _unit(host, units, unit), root).everything(sorted(names), profiles)
    found = {}
    for name, item in wanted.items():
        if (told := seen.get(item.adopt)) is not None:
            value = _typed(item, told.value)
            found[name] = Told(value, told.where, wrong_with(item, value))
    return found


def _typed(declared: SettingDeclaration, value: Any) -> Any:
    whole = declared.type in ("int", "port") and isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value)
    return int(value) if whole else value


async def _unit(host: Host, folder: str, name: str) -> Unit:
    """The unit of this name, or the only one in the folder that starts the application server."""
    if name:
        names: Sequence[str] = [unit_name(name)]
    else:
        names = [item for item in await host.names(folder) or () if item.endswith(".service")]
    texts = await asyncio.gather(*(host.text(f"{folder}/{item}") for item in names))
    there = [
        Unit(item.removesuffix(".service"), f"{folder}/{item}", directives(text))
        for item, text in zip(names, texts, strict=True)
        if text is not None
    ]
    found = [item for item in there if name or any(PurePosixPath(word).name == SERVER for word in item.command)]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(item.name for item in found)
        raise Unreadable(f"several units in {folder} start {SERVER}: {several}. Say which: --unit NAME")
    what = f"no unit {name}" if name else f"no unit that starts {SERVER}"
    raise Unreadable(f"there is {what} in {folder}. Say which unit runs the application: --unit NAME")


class _Looking:
    """One look at one unit and what it names. Each part answers kinds of `adopt:` with what it found."""

    def __init__(self, host: Host, unit: Unit, root: str) -> None:
        self._host, self._unit, self._root = host, unit, root
        self._folder = unit.one("WorkingDirectory").lstrip("-").rstrip("/")

    async def everything(self, variables: Sequence[str], profiles: Mapping[str, Any]) -> dict[str, Told]:
        found = self._from_unit()
        settings, state, checkout, system = await asyncio.gather(
            self._configuration(), self._host.unit(self._unit.name), self._checkout(), self._system(profiles)
        )
        file = await self._variables_file()
        port, values = await asyncio.gather(
            self._port(state.main_pid, settings), self._variables(state.main_pid, file, variables)
        )
        for part in (settings, checkout, system, file, port, values):
            found |= part
        if "port" in found:
            found |= await self._site(int(found["port"].value))
        return found

    def _from_unit(self) -> dict[str, Told]:
        unit, path = self._unit, self._unit.path
        program = PurePosixPath(next(iter(unit.command), ""))
        application = next((word for word in reversed(unit.command) if _APPLICATION.fullmatch(word)), "")
        told = {
            "unit": unit.name, "user": unit.one("User") or "root", "folder": self._folder,
            "environment": str(program.parent.parent) if program.parent.name == "bin" else "",
            "application": application,
        }  # fmt: skip
        return {kind: Told(value, path) for kind, value in told.items() if value}

    async def _configuration(self) -> dict[str, Told]:
        """gunicorn's settings: the command line outranks its file."""
        path = self._unit.option("-c", "--config").removeprefix("file:")
        path = path if path.startswith("/") or not path else f"{self._folder}/{path}"
        text = await self._host.text(path) if path else None
        try:
            file = literals(text or "")
        except SyntaxError:
            file = {}
        found = {}
        for kind, name, short in (
            ("bind", "bind", "-b"), ("workers", "workers", "-w"), ("timeout", "timeout", "-t"),
            ("access", "accesslog", "--access-logfile"), ("error", "errorlog", "--error-logfile"),
        ):  # fmt: skip
            if value := self._unit.option(short, f"--{name}"):
                found[kind] = Told(value, self._unit.path)
            elif name in file:
                found[kind] = Told(file[name], path)
        return {**found, **_logs(found)}

    async def _port(self, pid: int, settings: Mapping[str, Told]) -> dict[str, Told]:
        """Where the running service listens, else where it is told to."""
        process = await self._host.process(pid) if pid else None
        if process is not None:
            own = {pid, *(child for child, _ in process.children)}
            ports = {item.port for item in await self._host.listening() if item.pid in own}
            if len(ports) == 1:
                return {"port": Told(ports.pop(), f"process {pid} of {self._unit.name} listens there")}
        bind = settings.get("bind")
        number = re.search(r":([0-9]{1,5})$", str(bind.value)) if bind else None
        return {"port": Told(int(number[1]), bind.where)} if bind and number else {}

    async def _variables_file(self) -> dict[str, Told]:
        """`EnvironmentFile=`, up to a comment that systemd would take for part of the path; else the usual place."""
        named = self._unit.one("EnvironmentFile").lstrip("-").split(" #")[0].strip()
        if named:
            return {"variables-file": Told(named, self._unit.path)}
        usual = f"{self._folder}/.env"
        there = await self._host.stat(usual) if self._folder else None
        return {"variables-file": Told(usual, "it lies there")} if there else {}

    async def _variables(self, pid: int, file: Mapping[str, Told], names: Sequence[str]) -> dict[str, Told]:
        """These variables and no others: of the running process, else of its file."""
        sources = [("environ", f"/proc/{pid}/environ")] if pid else []
        sources += [("file", str(told.value)) for told in file.values()]
        found: dict[str, Told] = {}
        for kind, path in sources:
            left = [name for name in names if f"variable {name}" not in found]
            answers = await asyncio.gather(*(self._host.shell(_value(kind, path, name), root=True) for name in left))
            for name, answer in zip(left, answers, strict=True):
                value = answer.out.strip("\0\n").strip().strip("\"'")
                if answer.status == 0 and value:
                    where = f"variable {name} of process {pid}" if kind == "environ" else path
                    found[f"variable {name}"] = Told(value, where)
        return found

    async def _checkout(self) -> dict[str, Told]:
        """The checkout around the folder that the service works in."""
        if not self._folder.startswith("/"):
            return {}
        around = [PurePosixPath(self._folder), *PurePosixPath(self._folder).parents][:5]
        states = await asyncio.gather(*(self._git(str(path)) for path in around))
        for path, state in zip(around, states, strict=True):
            if state is not None and state.commit:
                inside = str(PurePosixPath(self._folder).relative_to(path))
                told = {
                    "checkout": str(path), "subfolder": inside, "origin": _without_password(state.origin),
                    "commit": state.branch or state.commit,
                }  # fmt: skip
                return {kind: Told(value, f"the checkout {path}") for kind, value in told.items() if value}
        return {}

    async def _git(self, path: str) -> GitState | None:
        try:
            return await self._host.git(path)
        except Unreadable:
            return None

    async def _system(self, profiles: Mapping[str, Any]) -> dict[str, Told]:
        release = await self._host.os()
        for name, profile in profiles.items():
            if (profile.get("os_id"), str(profile.get("os_version", ""))) == (release.id, release.version):
                return {"system": Told(name, f"{self._root}/etc/os-release: {release.name}")}
        return {}

    async def _site(self, port: int) -> dict[str, Told]:
        """The nginx site that passes requests to the port."""
        script = f"grep -rlsE 'proxy_pass +https?://{_LOOPBACK}:{port}\\b' {shlex.quote(self._root + '/etc/nginx')}"
        answer = await self._host.shell(script, root=True)
        files = sorted(answer.out.splitlines())
        text = await self._host.text(files[0]) if files else None
        if text is None:
            return {}
        plain = re.sub(r"#.*", "", text)
        found = {}
        names = [name for line in re.findall(r"\bserver_name\s+([^;]+);", plain) for name in line.split()]
        if real := [name for name in names if re.fullmatch(r"[a-z0-9.-]+\.[a-z]{2,}", name)]:
            found["server-name"] = Told(real[0], files[0])
        for line in re.findall(r"\blisten\s+([^;]+);", plain):
            number = re.match(r"(?:\S+:)?([0-9]{1,5})\b", line)
            if number:
                kind = "https-port" if re.search(r"\bssl\b", line) else "http-port"
                found.setdefault(kind, Told(int(number[1]), files[0]))
        return found


def _logs(found: Mapping[str, Told]) -> dict[str, Told]:
    """Where gunicorn writes: a file's folder, or the journal."""
    for kind in ("error", "access"):
        told = found.get(kind)
        if told and isinstance(told.value, str) and told.value.startswith("/"):
            folder = str(PurePosixPath(told.value).parent)
            return {"logs": Told("files", told.where), "log-folder": Told(folder, told.where)}
    return {}


def _value(kind: str, path: str, name: str) -> str:
    """Prints one variable's value and no other byte of the place."""
    flag = "-z " if kind == "environ" else ""
    wanted = f"s/^{name}=//p" if kind == "environ" else rf"s/^\(export  *\)\{{0,1\}}{name}=//p"
    return f"exec sed {flag}-n {shlex.quote(wanted)} <{shlex.quote(path)}"


def _without_password(url: str) -> str:
    """A repository's address without what somebody wrote into it to sign in."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
