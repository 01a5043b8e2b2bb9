"""The processes of one unit: how they are started, found and ended, and what they tell of themselves."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from iris_migrate.rehearsal.host.init import processes
from iris_migrate.rehearsal.host.init.journal import RateLimit
from iris_migrate.rehearsal.host.init.launching import STEPS, StepFailed, launch
from iris_migrate.rehearsal.host.init.output import Output
from iris_migrate.rehearsal.host.init.readiness import Readiness
from iris_migrate.rehearsal.host.init.unit import Machine, Unit, monotonic_us
from iris_migrate.rehearsal.host.init.unit_files import UnitFile, assignments, environment_file
from iris_migrate.rehearsal.host.tree import AS_USER


class UnitProcesses(Unit):
    """A unit with its main and its control process, and those that they started."""

    def __init__(self, machine: Machine, name: str, file: UnitFile) -> None:
        super().__init__(machine, name, file)
        self.main_pid, self.control_pid, self.exec_status, self.exec_code = 0, 0, 0, 0
        self.main_start = self.main_exit = 0
        self.status_text = ""
        self._ready = asyncio.Event()
        self._readiness: Readiness | None = None
        self._output = self._new_output()

    def _new_output(self) -> Output:
        interval = self._seconds("LogRateLimitIntervalSec", 30.0) or 30.0  # 0 is ignored, as systemd does
        limit = RateLimit(interval, self._number("LogRateLimitBurst", 10000) or 10000)
        levels = self.file.one("Service", "SyslogLevelPrefix", "yes") != "no"
        return Output(self.machine.journal, limit, self.name, self.user, self.invocation, levels)

    def _environment(self) -> dict[str, str]:
        """Raises OSError with the reason when an environment file cannot be read."""
        environment = self.machine.environment(self.user)
        environment["INVOCATION_ID"] = self.invocation
        environment |= assignments(self.file.all("Service", "Environment"))
        for line in self.file.all("Service", "EnvironmentFile"):
            # The whole rest of the line is the path, a trailing comment too.
            optional = line.startswith("-")
            try:
                environment |= environment_file(Path(line.removeprefix("-")).read_text())
            except OSError:
                if not optional:
                    raise
        if self.kind == "notify" and self._readiness is None:
            self._readiness = Readiness(self.invocation, self._told)
        if self._readiness is not None:
            environment["NOTIFY_SOCKET"] = self._readiness.name
        if self.main_pid:
            environment["MAINPID"] = str(self.main_pid)
        return environment

    def _spawn(self, argv: list[str], marks: str, environment: dict[str, str]) -> tuple[int, asyncio.Future[int]]:
        user = "root" if "+" in marks or "!" in marks else self.user
        if not self.machine.user_exists(user):
            raise StepFailed(217, "No such process")
        pid, end, pipe = launch(
            self.machine.spawning, self.machine.tree, self.file, user, argv, environment | {AS_USER: user}
        )
        self._output.listen(pipe, pid, self.file.one("Service", "SyslogIdentifier") or Path(argv[0]).name)
        return pid, end

    async def _control(self, argv: list[str], marks: str, environment: dict[str, str], *, main: bool = False) -> bool:
        """Run a control process to its end; with `-` before it its failure does not count."""
        try:
            pid, end = self._spawn(argv, marks, environment)
        except StepFailed as error:
            self.say(f"{self.name}: Failed at step {STEPS[error.status]} spawning {argv[0]}: {error}", 3)
            self.exec_status = error.status if main else self.exec_status
            return "-" in marks
        self.control_pid = pid
        if main:
            self.main_pid, self.main_start = pid, monotonic_us()
        code = await end
        self.control_pid = 0
        if main:
            self.main_pid, self.main_exit, self.exec_status, self.exec_code = (
                0,
                monotonic_us(),
                abs(code),
                1 if code >= 0 else 2,
            )
        if code != 0:
            what = "Main" if main else "Control"
            self.say(f"{self.name}: {what} process exited, code=exited, status={abs(code)}/{STEPS.get(code, 'n/a')}", 5)
        return code == 0 or "-" in marks

    async def _end_processes(self) -> bool:
        """TERM (the whole unit, or only the main process with KillMode=mixed), then KILL after the time-out."""
        mixed = self.file.one("Service", "KillMode", "control-group") in ("mixed", "process")
        members = self._members()
        first = {self.main_pid} if mixed and self.main_pid else members
        processes.send(first, getattr(signal, self.file.one("Service", "KillSignal", "SIGTERM"), signal.SIGTERM))
        clean = await self._gone(first, self._seconds("TimeoutStopSec", 90.0))
        if not clean:
            self.say(f"{self.name}: State 'stop-sigterm' timed out. Killing.", 4)
        left = (members | self._members()) - first
        processes.send(left, signal.SIGKILL)
        await self._gone(left, 5.0)
        return clean

    async def _gone(self, pids: set[int], within: float) -> bool:
        gone = await processes.gone(pids, within)
        await asyncio.sleep(0)  # let the reaper's futures settle
        return gone

    def _members(self) -> set[int]:
        """The unit's processes: those that carry its invocation, and what they started."""
        if not self.invocation or self.main_pid == os.getpid():  # init is not its own: every command is below it
            return set()
        # nginx overwrites its environment with its title: the main process counts without its mark.
        found = processes.marked("INVOCATION_ID", self.invocation) | ({self.main_pid} - {0})
        for pid in list(found):
            found |= processes.descendants(pid)
        return found

    members = property(_members)

    def _stop_listening(self) -> None:
        if self._readiness is not None:
            self._readiness.close()
            self._readiness = None

    def _told(self, sender: int, said: dict[str, str]) -> None:
        if self.file.one("Service", "NotifyAccess", "main") == "main" and sender != self.main_pid:
            only = f"reception only permitted for main PID {self.main_pid}"
            self.say(f"{self.name}: Got notification message from PID {sender}, but {only}", 4)
            return
        if said.get("READY") == "1":
            self._ready.set()
        self.status_text = said.get("STATUS", self.status_text)
        if said.get("MAINPID", "").isdigit():
            self.main_pid = int(said["MAINPID"])
