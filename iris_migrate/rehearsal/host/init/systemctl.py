"""The `systemctl` command: its verbs, its words, its exit statuses (systemd 252)."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from iris_migrate.rehearsal.host.init import processes, unit_files
from iris_migrate.rehearsal.host.init.properties import properties, status
from iris_migrate.rehearsal.host.init.services import Service
from iris_migrate.rehearsal.host.init.units import Units, full_name

WITH_VALUE = {
    "-p",
    "--property",
    "-s",
    "--signal",
    "--kill-whom",
    "--kill-who",
    "-t",
    "--type",
    "--state",
    "-n",
    "--lines",
    "-o",
    "--output",
}
ALONE = {
    "--now", "--no-block", "--no-pager", "--quiet", "-q", "--all", "-a", "--no-legend", "--plain", "--value",
    "--failed",
    "--full", "-l", "--system", "--force", "-f", "--no-ask-password", "--runtime", "--no-wall", "--wait",
    "--show-types",
}  # fmt: skip
NEED_ROOT = {
    "start", "stop", "restart", "reload", "reload-or-restart", "try-restart", "try-reload-or-restart",
    "enable", "disable",
    "mask", "unmask", "daemon-reload", "daemon-reexec", "kill", "reset-failed", "reboot", "poweroff",
    "reenable", "preset",
}  # fmt: skip


@dataclass(slots=True)
class Answer:
    status: int = 0
    out: str = ""
    err: str = ""
    reboot: bool = False


@dataclass(slots=True)
class Request:
    verb: str
    names: list[str] = field(default_factory=list)
    options: dict[str, list[str]] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        return any(name in self.options for name in names)

    def values(self, *names: str) -> list[str]:
        return [value for name in names for value in self.options.get(name, [])]


def parse(argv: list[str]) -> Request | Answer:
    """The command line, or systemctl's complaint about it."""
    request = Request("")
    words, index = list(argv), 0
    while index < len(words):
        word = words[index]
        index += 1
        name, equals, value = word.partition("=")
        short = word[:2]
        if word == "--":
            continue
        if word.startswith("--") and equals and name in WITH_VALUE:
            request.options.setdefault(name, []).append(value)
        elif word in ALONE:
            request.options[word] = []
        elif word in WITH_VALUE:
            if index >= len(words):
                return Answer(1, err=f"systemctl: option '{word}' requires an argument\n")
            request.options.setdefault(word, []).append(words[index])
            index += 1
        elif short in WITH_VALUE and len(word) > 2 and not word.startswith("--"):
            request.options.setdefault(short, []).append(word[2:])
        elif word.startswith("-"):
            kind = "unrecognized option" if word.startswith("--") else "invalid option --"
            return Answer(1, err=f"systemctl: {kind} '{word if word.startswith('--') else word[1]}'\n")
        elif not request.verb:
            request.verb = word
        else:
            request.names.append(word)
    request.verb = request.verb or "list-units"
    return request


class Systemctl:
    """Answers systemctl's requests about these units."""

    def __init__(self, units: Units) -> None:
        self.units = units
        one: dict[str, Callable[[str, Request], Awaitable[Answer]]] = {
            "start": self._start, "stop": self._stop, "restart": self._restart, "reload": self._reload,
            "reload-or-restart": self._reload_or_restart, "try-restart": self._try_restart,
            "try-reload-or-restart": self._try_restart, "enable": self._enable, "disable": self._disable,
            "reenable": self._enable, "mask": self._mask, "unmask": self._unmask, "is-active": self._is_active,
            "is-failed": self._is_failed, "is-enabled": self._is_enabled, "status": self._status, "cat": self._cat,
            "kill": self._kill, "reset-failed": self._reset_failed,
        }  # fmt: skip
        self._one = one

    async def run(self, argv: list[str], user: str) -> Answer:
        request = parse(argv)
        if isinstance(request, Answer):
            return request
        if request.verb in NEED_ROOT and user != "root":
            return self._denied(request)
        match request.verb:
            case "show":
                return self._show(request)
            case "daemon-reload" | "daemon-reexec":
                self.units.reload_files()
                return Answer()
            case "is-system-running":
                failed = any(service.active == "failed" for service in self.units.loaded.values())
                return Answer(1 if failed else 0, "degraded\n" if failed else "running\n")
            case "list-timers":
                return self._list_timers(request)
            case "list-units":
                return self._list_units(request)
            case "list-unit-files":
                return self._list_unit_files(request)
            case "get-default":
                return Answer(out="multi-user.target\n")
            case "reboot" | "poweroff":
                return Answer(reboot=True)
            case "reset-failed" if not request.names:
                request.names = list(self.units.loaded)
        if request.verb not in self._one:
            return Answer(1, err=f"Unknown command verb {request.verb}.\n")
        if not request.names:
            return Answer(1, err="Too few arguments.\n")
        answers = await asyncio.gather(*(self._one[request.verb](full_name(name), request) for name in request.names))
        return self._joined(request, list(answers))

    def _joined(self, request: Request, answers: list[Answer]) -> Answer:
        states = [answer.status for answer in answers]
        # is-active and is-enabled are content with one; everything else wants all.
        worst = min(states) if request.verb in ("is-active", "is-failed", "is-enabled") else max(states)
        separator = "\n" if request.verb in ("status", "cat") else ""
        quiet = request.has("-q", "--quiet")
        out = "" if quiet and request.verb.startswith("is-") else separator.join(answer.out for answer in answers)
        return Answer(worst, out, "".join(answer.err for answer in answers))

    @staticmethod
    def _denied(request: Request) -> Answer:
        what = request.names[0] if request.names else ""
        verb = {"daemon-reload": "reload daemon", "reboot": "set wall message, ignoring"}.get(
            request.verb, f"{request.verb} {full_name(what)}"
        )
        return Answer(
            1,
            err=f"Failed to {verb}: Interactive authentication required.\n"
            f"See system logs and 'systemctl status {full_name(what)}' for details.\n",
        )

    # --- jobs

    def _loaded(self, name: str, verb: str) -> Service | Answer:
        service = self.units.get(name)
        if service is None:
            return Answer(5, err=f"Failed to {verb} {name}: Unit {name} not found.\n")
        if service.file.masked:
            return Answer(1, err=f"Failed to {verb} {name}: Unit {name} is masked.\n")
        if verb != "stop" and self.units.bad_setting(service.file):
            service.say(f"{name}: {self.units.bad_setting(service.file)}", 3)
            return Answer(
                1, err=f"Failed to {verb} {name}: Unit {name} has a bad unit file setting.\n"
                f"See system logs and 'systemctl status {name}' for details.\n",
            )  # fmt: skip
        return service

    def _warning(self, service: Service) -> str:
        if not self.units.changed(service):
            return ""
        return (
            f"Warning: The unit file, source configuration file or drop-ins of {service.name} changed on disk. "
            "Run 'systemctl daemon-reload' to reload units.\n"
        )

    async def _job(self, service: Service, request: Request, work: Callable[[], Awaitable[str]]) -> Answer:
        warning = self._warning(service)

        async def locked() -> str:
            async with service.job:
                return await work()

        task = asyncio.ensure_future(locked())
        if request.has("--no-block"):
            service.background = task
            return Answer(err=warning)
        return _job_answer(service.name, await task, warning)

    async def _start(self, name: str, request: Request) -> Answer:
        service = self._loaded(name, "start")
        return service if isinstance(service, Answer) else await self._job(service, request, service.start)

    async def _stop(self, name: str, request: Request) -> Answer:
        service = self._loaded(name, "stop")
        return service if isinstance(service, Answer) else await self._job(service, request, service.stop)

    async def _restart(self, name: str, request: Request) -> Answer:
        service = self._loaded(name, "restart")
        if isinstance(service, Answer):
            return service

        async def both() -> str:
            await service.stop()
            return await service.start()

        return await self._job(service, request, both)

    async def _try_restart(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        if service is not None and service.active == "active":
            return await self._restart(name, request)
        return Answer()

    async def _reload(self, name: str, request: Request) -> Answer:
        service = self._loaded(name, "reload")
        if isinstance(service, Answer):
            return service
        if not service.commands("ExecReload"):
            return Answer(
                1, err=self._warning(service)
                + f"Failed to reload {name}: Job type reload is not applicable for unit {name}.\n"
                f"See system logs and 'systemctl status {name}' for details.\n",
            )  # fmt: skip
        if service.active != "active":
            return Answer(1, err=f"{self._warning(service)}{name} is not active, cannot reload.\n")
        return await self._job(service, request, service.reload)

    async def _reload_or_restart(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        if service is not None and service.active == "active" and service.commands("ExecReload"):
            return await self._reload(name, request)
        return await self._restart(name, request)

    async def _kill(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        if service is None:
            return Answer(1, err=f"Failed to kill unit {name}: Unit {name} not loaded.\n")
        text = (request.values("-s", "--signal") or ["SIGTERM"])[-1]
        number = int(text) if text.isdigit() else signal.Signals["SIG" + text.removeprefix("SIG")]
        whom = (request.values("--kill-whom", "--kill-who") or ["all"])[-1]
        processes.send({service.main_pid} - {0} if whom == "main" else service.members, number)
        return Answer()

    async def _reset_failed(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        if service is None:
            return Answer(1, err=f"Failed to reset failed state of unit {name}: Unit {name} not loaded.\n")
        service.reset_failed()
        return Answer()

    # --- unit files

    async def _enable(self, name: str, request: Request) -> Answer:
        file = unit_files.load(self.units.root, name)
        if file is None:
            return Answer(1, err=f"Failed to enable unit: Unit file {name} does not exist.\n")
        if file.masked:
            return Answer(1, err=f"Failed to enable unit: Unit file {file.path} is masked.\n")
        said = "".join(line + "\n" for line in self.units.enable(file))
        if "Install" not in file.sections:
            said = (
                "The unit files have no installation config (WantedBy=, RequiredBy=, Also=,\n"
                "Alias= settings in the [Install] section, and DefaultInstance= for template units).\n"
            )
        self.units.reload_files()  # systemctl enable reloads the manager
        if not request.has("--now"):
            return Answer(err=said)
        started = await self._start(name, request)
        return Answer(started.status, err=said + started.err)

    async def _disable(self, name: str, request: Request) -> Answer:
        if unit_files.load(self.units.root, name) is None and name not in self.units.loaded:
            return Answer(1, err=f"Failed to disable unit: Unit file {name} does not exist.\n")
        said = "".join(line + "\n" for line in self.units.disable(name))
        self.units.reload_files()
        if request.has("--now"):
            stopped = await self._stop(name, request)
            return Answer(stopped.status, err=said + stopped.err)
        return Answer(err=said)

    async def _mask(self, name: str, request: Request) -> Answer:
        path = self.units.etc / name
        if path.exists() and not path.is_symlink():
            return Answer(1, err=f"Failed to mask unit: File {path} already exists.\n")
        if not path.is_symlink():
            path.symlink_to("/dev/null")
        self.units.reload_files()
        return Answer(err=f"Created symlink {path} → /dev/null.\n")

    async def _unmask(self, name: str, request: Request) -> Answer:
        path = self.units.etc / name
        if path.is_symlink() and str(path.readlink()) == "/dev/null":
            path.unlink()
            self.units.reload_files()
            return Answer(err=f"Removed {path}.\n")
        return Answer()

    # --- questions

    def _show(self, request: Request) -> Answer:
        wanted = [name for value in request.values("-p", "--property") for name in value.split(",")]
        if not request.names:
            manager = {
                "Version": "252 (practice)",
                "NFailedUnits": str(sum(s.active == "failed" for s in self.units.loaded.values())),
            }
            return Answer(
                out="".join(f"{name}={value}\n" for name, value in manager.items() if not wanted or name in wanted)
            )
        blocks = []
        for name in request.names:
            found = properties(self.units, full_name(name))
            chosen = {key: value for key, value in found.items() if not wanted or key in wanted}
            blocks.append(
                "".join(
                    (f"{value}\n" if request.has("--value") else f"{key}={value}\n") for key, value in chosen.items()
                )
            )
        return Answer(out="\n".join(blocks))

    async def _is_active(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        active = service.active if service is not None else "inactive"
        return Answer(0 if active in ("active", "reloading") else 3, active + "\n")

    async def _is_failed(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        active = service.active if service is not None else "inactive"
        return Answer(0 if active == "failed" else 1, active + "\n")

    async def _is_enabled(self, name: str, request: Request) -> Answer:
        state = self.units.enabled(name)
        if not state:
            return Answer(1, err=f"Failed to get unit file state for {name}: No such file or directory\n")
        return Answer(0 if state in ("enabled", "static") else 1, state + "\n")

    async def _status(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        text = status(self.units, name)
        if service is None:
            return Answer(4, err=text)
        return Answer(0 if service.active in ("active", "reloading") else 3, text, self._warning(service))

    async def _cat(self, name: str, request: Request) -> Answer:
        file = unit_files.load(self.units.root, name)
        if file is None:
            return Answer(1, err=f"No files found for {name}.\n")
        return Answer(out="\n".join(f"# {path}\n{open_text(path)}" for path, _, _ in file.stamp))

    def _list_timers(self, request: Request) -> Answer:
        timers = [
            service
            for name in self._known()
            if name.endswith(".timer") and (service := self.units.get(name)) is not None
        ]
        lines = [] if request.has("--no-legend") else ["NEXT LEFT LAST PASSED UNIT ACTIVATES"]
        for service in timers:
            if service.active == "active" or request.has("--all", "-a"):
                following = time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() + 3600))
                lines.append(
                    f"{following} 1h left - - {service.name} "
                    + service.file.one("Timer", "Unit", service.name.replace(".timer", ".service"))
                )
        return Answer(
            out="".join(line + "\n" for line in lines)
            + ("" if request.has("--no-legend") else f"\n{len(timers)} timers listed.\n")
        )

    def _known(self) -> list[str]:
        folders = [self.units.root / folder for folder in unit_files.FOLDERS]
        return sorted({path.name for folder in folders for path in folder.glob("*.*") if not path.is_dir()})

    def _list_units(self, request: Request) -> Answer:
        kinds = [kind for value in request.values("-t", "--type") for kind in value.split(",")]
        states = [state for value in request.values("--state") for state in value.split(",")] + (
            ["failed"] if request.has("--failed") else []
        )
        lines = [
            f"{'' if request.has('--plain') else '  '}{service.name} {self.units.load_state(service)} "
            f"{service.active} {service.sub} {service.title}"
            for name in self._known()
            if (service := self.units.get(name)) is not None
            and (not kinds or name.rpartition(".")[2] in kinds)
            and (
                service.active in states or service.sub in states
                if states
                else service.active != "inactive" or request.has("--all", "-a")
            )
        ]
        tail = "" if request.has("--no-legend") else f"\n{len(lines)} loaded units listed.\n"
        return Answer(out="".join(line + "\n" for line in lines) + tail)

    def _list_unit_files(self, request: Request) -> Answer:
        lines = [
            f"{name} {self.units.enabled(name)} enabled"
            for name in self._known()
            if not request.names or name in request.names
        ]
        tail = "" if request.has("--no-legend") else f"\n{len(lines)} unit files listed.\n"
        return Answer(out="".join(line + "\n" for line in lines) + tail)


def open_text(path: str) -> str:
    with open(path, errors="replace") as file:  # noqa: PTH123  a name from the stamp
        return file.read()


def _job_answer(name: str, result: str, warning: str) -> Answer:
    if result == "done":
        return Answer(err=warning)
    reason = {
        "resources": "failed because of unavailable resources or another system error.",
        "timeout": "failed because a timeout was exceeded.",
    }.get(result, "failed because the control process exited with error code.")
    advice = f'See "systemctl status {name}" and "journalctl -xeu {name}" for details.'
    return Answer(1, err=f"{warning}Job for {name} {reason}\n{advice}\n")
