"""systemd services: the unit, enabled, running for long enough, listening, and running what is on the disk."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import Change, HostCommand
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge, unknown
from iris_migrate.resources.base import Resource
from iris_migrate.resources.files import File
from iris_migrate.resources.freshness import Ages, duration, latest, lingering
from iris_migrate.resources.unit_lint import faults
from iris_migrate.target import Listener, Target, UnitState, Unreadable

HOST = frozenset({"host"})
_ACTIVE = ("active", "reloading")
_RECENT = 600.0  # seconds after an automatic restart for which it is worth a warning


def unit_name(name: str) -> str:
    """`nginx` is `nginx.service`; a name with a type stays."""
    return name if "." in name else f"{name}.service"


def systemctl(says: str, *argv: str) -> HostCommand:
    """One systemctl command as root."""
    return HostCommand(says=says, argv=("systemctl", *argv), root=True, timeout=180.0)


@dataclass(frozen=True, kw_only=True)
class UnitFile(File):
    """A unit file is there with exactly this text; what is wrong with another text is said line by line."""

    kind: ClassVar[str] = "service.unit_file"

    async def inspect(self, target: Target) -> Finding:
        own = faults(str(self.content))
        if own:
            return unknown(f"the text to be written has a fault: {own[0].says}; correct the checklist's file")
        found, extra = await asyncio.gather(self.look(target), target.host.names(f"{self.path}.d"))
        if isinstance(found, Finding):
            return found
        evidence, facts = found
        for fault in faults(facts.get("text") or ""):
            asked = f"line {fault.line} of {self.path}" if fault.line else self.path
            evidence.append(Evidence(asked, fault.expected, fault.says, Verdict.DIFFERS))
        overrides = [name for name in extra or () if name.endswith(".conf")]
        seen = ", ".join(overrides) or "none"
        drop_ins = judge(f"files in {self.path}.d that override it", "none", seen, otherwise=Verdict.WARNS)
        return conclude([*evidence, drop_ins], facts=facts)


@dataclass(frozen=True, kw_only=True)
class Enabled(Resource):
    """A unit is started at boot."""

    kind: ClassVar[str] = "service.enabled"
    uses: ClassVar[frozenset[str]] = HOST
    name: str

    async def inspect(self, target: Target) -> Finding:
        unit = await target.host.unit(unit_name(self.name))
        seen = "masked" if unit.load == "masked" else unit.enabled or unit.load
        evidence = judge(f"{unit.name} at boot", "enabled", seen)
        return conclude([evidence], facts={"load": unit.load, "enabled": unit.enabled})

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        name = unit_name(self.name)
        masked = finding.facts.get("load") == "masked"
        unmask: list[Change] = [systemctl(f"Unmask {name}", "unmask", name)] if masked else []
        return [*unmask, systemctl(f"Start {name} at boot", "enable", name)]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        name = unit_name(self.name)
        if before.holds or not finding.holds:
            return []
        changes: list[Change] = [systemctl(f"Do not start {name} at boot", "disable", name)]
        if before.facts.get("load") == "masked":
            changes.append(systemctl(f"Mask {name} again", "mask", name))
        return changes


@dataclass(frozen=True, kw_only=True)
class Running(Resource):
    """A service is active, has been for long enough to be believed, and does not keep restarting."""

    kind: ClassVar[str] = "service.running"
    uses: ClassVar[frozenset[str]] = HOST
    name: str
    seconds: float = 10.0  # gunicorn reports ready before its workers have loaded the application

    async def inspect(self, target: Target) -> Finding:
        unit, clock = await asyncio.gather(target.host.unit(unit_name(self.name)), target.host.clock())
        facts = state_facts(unit)
        evidence = [_state(unit)]
        if evidence[0].verdict is not Verdict.HOLDS:
            return conclude(evidence, facts=facts, reason=evidence[0].seen)
        age = max(0.0, clock.boot - unit.active_since)
        old_enough = Verdict.HOLDS if age >= self.seconds else Verdict.CONVERGING
        evidence.append(
            Evidence(f"{unit.name} has been active", f"at least {duration(self.seconds)}", duration(age), old_enough)
        )
        troubled = unit.restarts > 0 and age < _RECENT
        times = f"{unit.restarts}, the last {duration(age)} ago" if unit.restarts else "0"
        evidence.append(
            Evidence(f"restarts of {unit.name} by systemd", "0", times, Verdict.WARNS if troubled else Verdict.HOLDS)
        )
        waits = f"{unit.name} counts as running after {duration(self.seconds)}, so far {duration(age)}"
        if old_enough is Verdict.CONVERGING:
            return conclude(evidence, facts=facts, reason=waits, until=self.now + self.seconds - age)
        return conclude(evidence, facts=facts)

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        return starting(unit_name(self.name), finding.facts)

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        return stopping(unit_name(self.name), before.facts, finding.facts)


def state_facts(unit: UnitState) -> dict[str, Any]:
    """What `starting` and `stopping` need of a unit."""
    return {"active": unit.active, "sub": unit.sub, "load": unit.load, "daemon": unit.needs_reload}


def starting(name: str, facts: Mapping[str, Any]) -> list[Change]:
    """What brings a unit that is not active to start, whatever stands in the way."""
    changes: list[Change] = []
    if facts.get("load") == "masked":
        changes.append(systemctl(f"Unmask {name}", "unmask", name))
    if facts.get("daemon") or facts.get("load", "loaded") != "loaded":
        changes.append(daemon_reload())
    if facts.get("active") == "failed":
        # Otherwise the limit of starts in a time refuses this one too.
        changes.append(systemctl(f"Forget that {name} failed", "reset-failed", name))
    again = facts.get("sub") == "auto-restart"
    changes.append(systemctl(f"{'Restart' if again else 'Start'} {name}", "restart" if again else "start", name))
    return changes


def stopping(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """What stops a unit again that was not active before."""
    if was.get("active") in _ACTIVE or now.get("active") not in _ACTIVE:
        return []
    return [systemctl(f"Stop {name}", "stop", name)]


def daemon_reload() -> HostCommand:
    return systemctl("Let systemd read its units again", "daemon-reload")


def _state(unit: UnitState) -> Evidence:
    """Whether a unit is active; a restart loop is no state of its own for systemd, but it is for us."""
    if unit.load == "not-found":
        return Evidence(unit.name, "active", "systemd knows no such unit", Verdict.ABSENT)
    if unit.load != "loaded":
        return Evidence(unit.name, "active", f"its unit file is {unit.load}", Verdict.DIFFERS)
    ended = f"{unit.result}, exit code {unit.exit_code}" if unit.result not in ("", "success") else "ended"
    if unit.sub == "auto-restart":
        return Evidence(unit.name, "active", f"keeps restarting ({ended}, {unit.restarts} times)", Verdict.DIFFERS)
    match unit.active:
        case "active" | "reloading":
            return Evidence(unit.name, "active", f"active ({unit.sub})", Verdict.HOLDS)
        case "activating" | "deactivating":
            return Evidence(unit.name, "active", f"{unit.active} ({unit.sub})", Verdict.CONVERGING)
        case "failed":
            return Evidence(unit.name, "active", f"failed ({ended})", Verdict.DIFFERS)
        case _:
            return Evidence(unit.name, "active", unit.active, Verdict.DIFFERS)


@dataclass(frozen=True, kw_only=True)
class Current(Resource):
    """A service runs, and runs what is on the disk: neither unit, files nor code changed since they were read."""

    kind: ClassVar[str] = "service.current"
    uses: ClassVar[frozenset[str]] = HOST
    name: str
    restart_on: tuple[str, ...] = ()  # read by the main process when it starts
    reload_on: tuple[str, ...] = ()  # read by each worker when it starts; a reload replaces workers
    listings: tuple[str, ...] = ()  # directories whose own time tells of names that came or went, likewise
    grace: float = 35.0  # seconds that a worker may take to end after a reload

    async def inspect(self, target: Target) -> Finding:
        unit = await target.host.unit(unit_name(self.name))
        state = _state(unit)
        if state.verdict is not Verdict.HOLDS:
            return conclude([state], facts=state_facts(unit), reason=state.seen)
        # One round: the clocks and the processes must be of the same moment.
        paths = (*self.restart_on, *self.reload_on)
        clock, process, times, listed = await asyncio.gather(
            target.host.clock(),
            target.host.process(unit.main_pid),
            asyncio.gather(*(target.host.newest(path) for path in paths)),
            asyncio.gather(*(target.host.stat(path) for path in self.listings)),
        )
        if process is None:
            return unknown(f"the main process of {unit.name} ({unit.main_pid}) ended while it was looked at")
        ages = Ages(clock)
        changed = dict(zip(paths, times, strict=True))
        by_workers = {path: changed[path] for path in self.reload_on}
        for path, stat in zip(self.listings, listed, strict=True):
            by_workers[f"names in {path}"] = stat.mtime if stat else None
        evidence = [
            judge(f"unit file of {unit.name}", "as systemd has read it", _read(unit.needs_reload)),
            *(ages.against(path, changed[path], "the main process", unit.started) for path in self.restart_on),
        ]
        restart = any(ages.stale(unit.started, changed[path]) for path in self.restart_on)
        workers = [started for _pid, started in process.children] or [process.started]
        stale = [started for started in workers if ages.stale(started, latest(by_workers))]
        wait = lingering(stale, [started for started in workers if started not in stale], clock.boot, self.grace)
        if wait:
            seen = f"{len(stale)} of before the last reload still finishing"
            evidence.append(Evidence(f"workers of {unit.name}", "all of the new code", seen, Verdict.CONVERGING))
        else:
            oldest = min(workers)
            evidence += [ages.against(what, time, "the oldest worker", oldest) for what, time in by_workers.items()]
        facts = {**state_facts(unit), "restart": restart}
        return conclude(evidence, facts=facts, until=self.now + wait if wait else None)

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        name, facts = unit_name(self.name), finding.facts
        if facts and facts["active"] not in _ACTIVE:
            return starting(name, facts)
        daemon = [daemon_reload()] if facts.get("daemon", bool(self.restart_on)) else []
        if daemon or facts.get("restart"):
            return [*daemon, systemctl(f"Restart {name}", "restart", name)]
        return self.reload()

    def reload(self) -> list[Change]:
        """The changes that let a running service take up new files."""
        name = unit_name(self.name)
        return [systemctl(f"Reload {name}: new workers with the new code", "reload", name)]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """What a service runs follows the files, which have steps of their own; only a start is taken back."""
        return stopping(unit_name(self.name), before.facts, finding.facts)


def _read(needs_reload: bool) -> str:
    return "changed since systemd read it" if needs_reload else "as systemd has read it"


@dataclass(frozen=True, kw_only=True)
class Variables(Resource):
    """The main process of a service has these variables. Names only; values are never read."""

    kind: ClassVar[str] = "service.variables"
    uses: ClassVar[frozenset[str]] = HOST
    check_only: ClassVar[bool] = True
    name: str
    names: tuple[str, ...]

    async def inspect(self, target: Target) -> Finding:
        unit = await target.host.unit(unit_name(self.name))
        if not unit.main_pid:
            return unknown(f"{unit.name} is {unit.active}; its variables can be told when it is active")
        there = await target.host.variables(unit.main_pid)
        if there is None:
            return unknown(f"the main process of {unit.name} ({unit.main_pid}) ended while it was looked at")
        asked = f"variables of {unit.name} (process {unit.main_pid})"
        return conclude([_present(asked, name, name in there) for name in self.names])


def _present(asked: str, name: str, there: bool) -> Evidence:
    return judge(f"{asked}: {name}", "set", "set" if there else "not set")


@dataclass(frozen=True, kw_only=True)
class Listens(Resource):
    """A port is listened on, by this address only."""

    kind: ClassVar[str] = "service.listens"
    uses: ClassVar[frozenset[str]] = HOST
    check_only: ClassVar[bool] = True
    port: int
    addresses: tuple[str, ...] = ("127.0.0.1",)
    program: str = ""  # empty: any

    async def inspect(self, target: Target) -> Finding:
        there = [item for item in await target.host.listening() if item.port == self.port]
        asked, expected = f"port {self.port}", f"only {' and '.join(self.addresses)}"
        if not there:
            return conclude([Evidence(asked, expected, "nothing listens", Verdict.ABSENT)])
        seen = sorted({item.address for item in there})
        right = Verdict.HOLDS if set(seen) <= set(self.addresses) else Verdict.DIFFERS
        evidence = [Evidence(asked, expected, ", ".join(seen), right)]
        others = sorted({item.program for item in there if self.program and item.program not in ("", self.program)})
        if self.program:
            evidence.append(judge(f"who listens on port {self.port}", self.program, ", ".join(others) or self.program))
        return conclude(evidence)


@dataclass(frozen=True, kw_only=True)
class Value(Resource):
    """A variable of a service's main process has this value. For variables that hold no secret: the value is shown."""

    kind: ClassVar[str] = "service.value"
    uses: ClassVar[frozenset[str]] = HOST
    check_only: ClassVar[bool] = True
    name: str
    variable: str
    value: str

    async def inspect(self, target: Target) -> Finding:
        unit = await target.host.unit(unit_name(self.name))
        if not unit.main_pid:
            return unknown(f"{unit.name} is {unit.active}; its variables can be told when it is active")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.variable):
            return unknown(f"{self.variable!r} is not a name for a variable")
        script = f"exec sed -z -n {shlex.quote(f's/^{self.variable}=//p')} </proc/{unit.main_pid}/environ"
        answer = await target.host.shell(script, root=True)
        if answer.status != 0:
            raise Unreadable(f"the environment of process {unit.main_pid} cannot be read: {answer.err.strip()[:200]}")
        seen = answer.out.replace("\0", "").strip("\n")
        asked = f"{self.variable} of {unit.name} (process {unit.main_pid})"
        return conclude([judge(asked, self.value, seen or "not set")], facts={"seen": seen})


@dataclass(frozen=True, kw_only=True)
class Sockets(Resource):
    """A running service listens somewhere; `facts` say where. A service that does not run says nothing."""

    kind: ClassVar[str] = "service.sockets"
    uses: ClassVar[frozenset[str]] = HOST
    check_only: ClassVar[bool] = True
    name: str

    async def inspect(self, target: Target) -> Finding:
        unit, listening = await asyncio.gather(target.host.unit(unit_name(self.name)), target.host.listening())
        process = await target.host.process(unit.main_pid) if unit.main_pid else None
        if process is None:
            return unknown(f"{unit.name} does not run; where it listens can be told when it does")
        own = {unit.main_pid, *(pid for pid, _ in process.children)}
        there = sorted({(item.address, item.port) for item in listening if item.pid in own})
        seen = ", ".join(f"{address}:{port}" for address, port in there) or "nowhere"
        verdict = Verdict.HOLDS if there else Verdict.ABSENT
        sockets = [{"address": address, "port": port} for address, port in there]
        return conclude([Evidence(f"{unit.name} listens", "somewhere", seen, verdict)], facts={"sockets": sockets})


_EVERY = ("0.0.0.0", "::", "*")  # noqa: S104  (addresses that stand for all of a host's)


@dataclass(frozen=True, kw_only=True)
class Port(Resource):
    """A port belongs to a service, or to nobody: another process that listens there would keep it from starting.

    What was ended is not started again by an undo: it was in the way, and how it was started is not known.
    """

    kind: ClassVar[str] = "service.port"
    uses: ClassVar[frozenset[str]] = HOST
    name: str
    port: int
    address: str = "127.0.0.1"

    async def inspect(self, target: Target) -> Finding:
        unit, listening = await asyncio.gather(target.host.unit(unit_name(self.name)), target.host.listening())
        in_the_way = [item for item in listening if item.port == self.port and self._meets(item.address)]
        asked, expected = f"port {self.port}", f"{unit.name}, or nobody"
        if not in_the_way:
            return conclude([Evidence(asked, expected, "nobody", Verdict.HOLDS)])
        process = await target.host.process(unit.main_pid) if unit.main_pid else None
        own = {unit.main_pid, *(pid for pid, _ in process.children)} if process else set()
        others = [item for item in in_the_way if item.pid not in own]
        if not others:
            return conclude([Evidence(asked, expected, unit.name, Verdict.HOLDS)])
        if any(item.pid == 0 for item in others):
            return unknown(f"who listens on port {self.port} cannot be told; ss -ltnp on the host may")
        seen = ", ".join(sorted({f"{item.program} (process {item.pid}) on {item.address}" for item in others}))
        return conclude([Evidence(asked, expected, seen, Verdict.DIFFERS)], facts={"others": _pids(others)})

    def _meets(self, address: str) -> bool:
        return address == self.address or address in _EVERY or self.address in _EVERY

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        others = finding.facts.get("others", {"‹process›": "the process"})
        return [
            HostCommand(
                says=f"End {program} (process {pid}), which has port {self.port}",
                argv=("kill", "-s", "TERM", pid), root=True, timeout=60.0,
            )
            for pid, program in others.items()
        ]  # fmt: skip


def _pids(others: list[Listener]) -> dict[str, str]:
    return {str(item.pid): item.program or "a process" for item in sorted(others, key=lambda item: item.pid)}
