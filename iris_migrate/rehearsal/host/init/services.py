"""One service as it runs: started, watched, started again and stopped, as systemd's manual describes it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
import uuid

from iris_migrate.rehearsal.host.init import processes
from iris_migrate.rehearsal.host.init.launching import STEPS, StepFailed
from iris_migrate.rehearsal.host.init.unit import Machine, monotonic_us
from iris_migrate.rehearsal.host.init.unit_files import UnitFile, UnitFileError
from iris_migrate.rehearsal.host.init.unit_processes import UnitProcesses

CLEAN_SIGNALS = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE}


class Service(UnitProcesses):
    """A loaded unit. `job` is held while one of start, stop, restart and reload is at work on it."""

    def __init__(self, machine: Machine, name: str, file: UnitFile) -> None:
        super().__init__(machine, name, file)
        self.job = asyncio.Lock()
        self.result, self.restarts = "success", 0
        self.background: asyncio.Future[str] | None = None  # a job that nobody waits for
        self.wanted = False  # not stopped by anybody: restarts are allowed
        self._starts: list[float] = []
        self._restart: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None

    # --- start

    async def start(self) -> str:
        """The result of a start job: done, failed, resources, timeout, or exec for a control process."""
        if self.active in ("active", "reloading"):
            return "done"
        self._cancel_restart()
        if self._too_often():
            self.say(f"{self.name}: Start request repeated too quickly.", 4)
            self.result = "start-limit-hit"
            self._set("failed", "failed")
            self.say(f"{self.name}: Failed with result 'start-limit-hit'.", 4)
            self.say(f"Failed to start {self.name} - {self.title}.", 3)
            return "failed"
        self.wanted = True
        return await self._begin()

    def _too_often(self) -> bool:
        interval, burst = self._seconds("StartLimitIntervalSec", 10.0), self._number("StartLimitBurst", 5)
        now = time.monotonic()
        self._starts = [at for at in self._starts if now - at < interval]
        if interval and burst and len(self._starts) >= burst:
            return True
        self._starts.append(now)
        return False

    async def _begin(self) -> str:
        self.invocation, self.result, self.status_text = uuid.uuid4().hex, "success", ""
        self.exec_status = self.exec_code = self.main_pid = self.main_start = 0
        self._output = self._new_output()
        if self.kind == "always":
            self.main_pid = os.getpid() if "Service" in self.file.sections else 0
            self.main_start = monotonic_us()
            self._set(
                "active", "running" if self.main_pid else ("waiting" if self.name.endswith(".timer") else "active")
            )
            return "done"
        self._set("activating", "start")
        self.say(f"Starting {self.name} - {self.title}...")
        try:
            environment = self._environment()
        except (OSError, UnitFileError) as error:
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            self.say(f"{self.name}: Failed to load environment files: {reason}", 4)
            self.say(f"{self.name}: Failed to run 'start' task: {reason}", 4)
            return self._failed("resources")
        try:
            return await asyncio.wait_for(self._run(environment), self._seconds("TimeoutStartSec", 90.0))
        except TimeoutError:
            self.say(f"{self.name}: start operation timed out. Terminating.", 4)
            await self._end_processes()
            return self._failed("timeout")

    async def _run(self, environment: dict[str, str]) -> str:
        for argv, marks in self.commands("ExecStartPre"):
            self._set("activating", "start-pre")
            if not await self._control(argv, marks, environment):
                return self._failed("exit-code")
        self._set("activating", "start")
        self._ready = asyncio.Event()
        match self.kind:
            case "oneshot":
                for argv, marks in self.commands("ExecStart"):
                    if not await self._control(argv, marks, environment, main=True):
                        return self._failed("exit-code")
                if self.file.flag("Service", "RemainAfterExit"):
                    self._set("active", "exited")
                else:
                    self._set("inactive", "dead")
                    self.say(f"{self.name}: Deactivated successfully.")
                self.say(f"Finished {self.name} - {self.title}.")
                return "done"
            case "forking":
                return await self._run_forking(environment)
            case kind:
                return await self._run_main(environment, notify=kind == "notify", loud=kind in ("exec", "notify"))

    async def _run_forking(self, environment: dict[str, str]) -> str:
        for argv, marks in self.commands("ExecStart"):
            if not await self._control(argv, marks, environment):
                return self._failed("exit-code")
        pid_file = self.file.one("Service", "PIDFile")
        for _ in range(100):
            with contextlib.suppress(OSError, ValueError):
                self.main_pid = int(processes.text(pid_file))
                break
            await asyncio.sleep(0.02)
        if not self.main_pid or processes.zombie(self.main_pid):
            self.say(f"{self.name}: Can't open PID file {pid_file} (yet?) after start: No such file or directory", 4)
            return self._failed("protocol")
        self._up(self.machine.spawning.end_of(self.main_pid))
        return "done"

    async def _run_main(self, environment: dict[str, str], *, notify: bool, loud: bool) -> str:
        argv, marks = self.commands("ExecStart")[-1]
        try:
            pid, end = self._spawn(argv, marks, environment)
        except StepFailed as error:
            self._main_failed_to_start(argv, error)
            if not loud:
                self.say(f"Started {self.name} - {self.title}.")
            outcome = self._failed("exit-code")
            return outcome if loud else "done"
        self.main_pid, self.main_start = pid, monotonic_us()
        if notify:
            end.add_done_callback(lambda _: self._ready.set())
            await self._ready.wait()
            if end.done():
                self._record_exit(end.result())
                await self._end_processes()
                return self._failed("protocol" if end.result() == 0 else "exit-code" if end.result() > 0 else "signal")
        self._up(end)
        return "done"

    def _main_failed_to_start(self, argv: list[str], error: StepFailed) -> None:
        self.main_start = self.main_exit = monotonic_us()
        self.exec_status, self.exec_code = error.status, 1
        step = STEPS[error.status]
        self.say(f"{self.name}: Failed at step {step} spawning {argv[0]}: {error}", 3)
        self.say(f"{self.name}: Main process exited, code=exited, status={error.status}/{step}", 5)

    def _up(self, end: asyncio.Future[int]) -> None:
        self.main_start = self.main_start or monotonic_us()
        self._set("active", "running")
        self.say(f"Started {self.name} - {self.title}.")
        self._watch = asyncio.create_task(self._await_end(end))

    async def _await_end(self, end: asyncio.Future[int]) -> None:
        code = await asyncio.shield(end)
        if self.active in ("deactivating", "inactive", "failed"):
            return
        self._record_exit(code)
        await self._end_processes()
        clean = code == 0 or (code < 0 and -code in CLEAN_SIGNALS)
        self._failed("success" if clean else "exit-code" if code > 0 else "signal")

    def _record_exit(self, code: int) -> None:
        self.main_exit = monotonic_us()
        self.main_pid = 0
        if code >= 0:
            self.exec_code, self.exec_status = 1, code
            if code:
                self.say(f"{self.name}: Main process exited, code=exited, status={code}/{STEPS.get(code, 'n/a')}", 5)
        else:
            self.exec_code, self.exec_status = 2, -code
            name = signal.Signals(-code).name.removeprefix("SIG")
            self.say(f"{self.name}: Main process exited, code=killed, status={-code}/{name}", 5)

    def _failed(self, result: str) -> str:
        """The unit has ended by itself: failed or inactive, and started again if its file says so."""
        self.result, self.main_pid, self.control_pid = result, 0, 0
        self._stop_listening()
        if result == "success":
            self.say(f"{self.name}: Deactivated successfully.")
        else:
            self.say(f"{self.name}: Failed with result '{result}'.", 4)
            if self.active == "activating":
                self.say(f"Failed to start {self.name} - {self.title}.", 3)
        policy = self.file.one("Service", "Restart", "no")
        again = policy == "always" or (
            policy in ("on-failure", "on-abnormal", "on-abort") and result != "success"
            and not (policy != "on-failure" and result == "exit-code")
        ) or (policy == "on-success" and result == "success")  # fmt: skip
        if again and self.wanted:
            self._set("activating", "auto-restart")
            self._restart = asyncio.create_task(self._again())
        else:
            self._set("inactive" if result == "success" else "failed", "dead" if result == "success" else "failed")
        return {"success": "done", "resources": "resources", "timeout": "timeout"}.get(result, "failed")

    async def _again(self) -> None:
        await asyncio.sleep(self.file.seconds("Service", "RestartSec", 0.1))
        async with self.job:
            if self.sub != "auto-restart" or not self.wanted:
                return
            self.restarts += 1
            self.say(f"{self.name}: Scheduled restart job, restart counter is at {self.restarts}.")
            self._restart = None
            self._set("inactive", "dead")
            await self.start()

    def _cancel_restart(self) -> None:
        if self._restart is not None and self._restart is not asyncio.current_task():
            self._restart.cancel()
        self._restart = None

    # --- stop, reload

    async def stop(self) -> str:
        self.wanted = False
        self._cancel_restart()
        if self.active in ("inactive", "failed"):
            return "done"
        if self.kind == "always" or self.sub == "exited":
            self.main_pid = 0
            self._set("inactive", "dead")
            return "done"
        if self.sub == "auto-restart":
            self._set(
                "inactive" if self.result == "success" else "failed", "dead" if self.result == "success" else "failed"
            )
            return "done"
        if self._watch is not None:
            self._watch.cancel()  # the end that comes now is this job's to judge
        self._set("deactivating", "stop-sigterm")
        self.say(f"Stopping {self.name} - {self.title}...")
        end = (
            self.machine.spawning.end_of(self.main_pid)
            if self.main_pid and not processes.zombie(self.main_pid)
            else None
        )
        for argv, marks in self.commands("ExecStop"):
            with contextlib.suppress(OSError, UnitFileError):
                await self._control(argv, marks, self._environment())
        clean = await self._end_processes()
        code = end.result() if end is not None and end.done() else 0
        self.main_exit, self.main_pid = monotonic_us(), 0
        self.exec_code, self.exec_status = (1, code) if code >= 0 else (2, -code)
        self.result = (
            "success" if clean and (code == 0 or -code in CLEAN_SIGNALS) else "timeout" if not clean else "exit-code"
        )
        self._stop_listening()
        self._set(
            "inactive" if self.result == "success" else "failed", "dead" if self.result == "success" else "failed"
        )
        self.say(
            f"{self.name}: Deactivated successfully."
            if self.result == "success"
            else f"{self.name}: Failed with result '{self.result}'."
        )
        self.say(f"Stopped {self.name} - {self.title}.")
        return "done"

    async def reload(self) -> str:
        """done, failed, or inapplicable when the unit says nothing of reloading."""
        if not self.commands("ExecReload"):
            return "inapplicable"
        self._set("reloading", "reload")
        self.say(f"Reloading {self.name} - {self.title}...")
        done = True
        for argv, marks in self.commands("ExecReload"):
            done = done and await self._control(argv, marks, self._environment())
        self._set("active", "running")
        self.say(
            f"Reloaded {self.name} - {self.title}." if done else f"Reload failed for {self.name} - {self.title}.",
            6 if done else 3,
        )
        return "done" if done else "failed"

    def reset_failed(self) -> None:
        self._starts, self.restarts = [], 0
        if self.active == "failed":
            self.result = "success"
            self._set("inactive", "dead")

    async def give_up(self) -> None:
        """At the end of the host: no restarts, nothing is left."""
        with contextlib.suppress(Exception):
            await self.stop()
