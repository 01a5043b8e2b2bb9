"""The `systemctl` command: its verbs and its exit statuses (systemd 252)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from iris_migrate.rehearsal.host.init.enabling import Enabling
from iris_migrate.rehearsal.host.init.questions import Questions
from iris_migrate.rehearsal.host.init.request import Answer, Request, parse
from iris_migrate.rehearsal.host.init.unit_jobs import Jobs
from iris_migrate.rehearsal.host.init.units import Units, full_name

NEED_ROOT = {
    "start", "stop", "restart", "reload", "reload-or-restart", "try-restart", "try-reload-or-restart",
    "enable", "disable",
    "mask", "unmask", "daemon-reload", "daemon-reexec", "kill", "reset-failed", "reboot", "poweroff",
    "reenable", "preset",
}  # fmt: skip


class Systemctl:
    """Answers systemctl's requests about these units."""

    def __init__(self, units: Units) -> None:
        self.units = units
        jobs, asked = Jobs(units), Questions(units)
        files = Enabling(units, jobs)
        self._asked = asked
        self._one: dict[str, Callable[[str, Request], Awaitable[Answer]]] = {
            "start": jobs.start, "stop": jobs.stop, "restart": jobs.restart, "reload": jobs.reload,
            "reload-or-restart": jobs.reload_or_restart, "try-restart": jobs.try_restart,
            "try-reload-or-restart": jobs.try_restart, "enable": files.enable, "disable": files.disable,
            "reenable": files.enable, "mask": files.mask, "unmask": files.unmask, "is-active": asked.is_active,
            "is-failed": asked.is_failed, "is-enabled": asked.is_enabled, "status": asked.status, "cat": asked.cat,
            "kill": jobs.kill, "reset-failed": jobs.reset_failed,
        }  # fmt: skip

    async def run(self, argv: list[str], user: str) -> Answer:
        request = parse(argv)
        if isinstance(request, Answer):
            return request
        if request.verb in NEED_ROOT and user != "root":
            return self._denied(request)
        match request.verb:
            case "show":
                return self._asked.show(request)
            case "daemon-reload" | "daemon-reexec":
                self.units.reload_files()
                return Answer()
            case "is-system-running":
                failed = any(service.active == "failed" for service in self.units.loaded.values())
                return Answer(1 if failed else 0, "degraded\n" if failed else "running\n")
            case "list-timers":
                return self._asked.list_timers(request)
            case "list-units":
                return self._asked.list_units(request)
            case "list-unit-files":
                return self._asked.list_unit_files(request)
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
