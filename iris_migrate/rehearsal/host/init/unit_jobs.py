"""What `systemctl` does to running units: start, stop, restart, reload, kill, each as a job of its own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

from iris_migrate.rehearsal.host.init import processes
from iris_migrate.rehearsal.host.init.request import Answer, Request
from iris_migrate.rehearsal.host.init.services import Service
from iris_migrate.rehearsal.host.init.units import Units


class Jobs:
    """Jobs on these units; one is at work on a unit at a time."""

    def __init__(self, units: Units) -> None:
        self.units = units

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

    async def _job(self, service: Service, request: Request, work: Callable[[], Awaitable[str]]) -> Answer:
        warning = self.units.warning(service)

        async def locked() -> str:
            async with service.job:
                return await work()

        task = asyncio.ensure_future(locked())
        if request.has("--no-block"):
            service.background = task
            return Answer(err=warning)
        return _job_answer(service.name, await task, warning)

    async def start(self, name: str, request: Request) -> Answer:
        service = self._loaded(name, "start")
        return service if isinstance(service, Answer) else await self._job(service, request, service.start)

    async def stop(self, name: str, request: Request) -> Answer:
        service = self._loaded(name, "stop")
        return service if isinstance(service, Answer) else await self._job(service, request, service.stop)

    async def restart(self, name: str, request: Request) -> Answer:
        service = self._loaded(name, "restart")
        if isinstance(service, Answer):
            return service

        async def both() -> str:
            await service.stop()
            return await service.start()

        return await self._job(service, request, both)

    async def try_restart(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        if service is not None and service.active == "active":
            return await self.restart(name, request)
        return Answer()

    async def reload(self, name: str, request: Request) -> Answer:
        service = self._loaded(name, "reload")
        if isinstance(service, Answer):
            return service
        if not service.commands("ExecReload"):
            return Answer(
                1, err=self.units.warning(service)
                + f"Failed to reload {name}: Job type reload is not applicable for unit {name}.\n"
                f"See system logs and 'systemctl status {name}' for details.\n",
            )  # fmt: skip
        if service.active != "active":
            return Answer(1, err=f"{self.units.warning(service)}{name} is not active, cannot reload.\n")
        return await self._job(service, request, service.reload)

    async def reload_or_restart(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        if service is not None and service.active == "active" and service.commands("ExecReload"):
            return await self.reload(name, request)
        return await self.restart(name, request)

    async def kill(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        if service is None:
            return Answer(1, err=f"Failed to kill unit {name}: Unit {name} not loaded.\n")
        text = (request.values("-s", "--signal") or ["SIGTERM"])[-1]
        number = int(text) if text.isdigit() else signal.Signals["SIG" + text.removeprefix("SIG")]
        whom = (request.values("--kill-whom", "--kill-who") or ["all"])[-1]
        processes.send({service.main_pid} - {0} if whom == "main" else service.members, number)
        return Answer()

    async def reset_failed(self, name: str, request: Request) -> Answer:
        service = self.units.get(name)
        if service is None:
            return Answer(1, err=f"Failed to reset failed state of unit {name}: Unit {name} not loaded.\n")
        service.reset_failed()
        return Answer()


def _job_answer(name: str, result: str, warning: str) -> Answer:
    if result == "done":
        return Answer(err=warning)
    reason = {
        "resources": "failed because of unavailable resources or another system error.",
        "timeout": "failed because a timeout was exceeded.",
    }.get(result, "failed because the control process exited with error code.")
    advice = f'See "systemctl status {name}" and "journalctl -xeu {name}" for details.'
    return Answer(1, err=f"{warning}Job for {name} {reason}\n{advice}\n")
