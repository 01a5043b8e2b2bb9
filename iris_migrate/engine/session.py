"""Opens everything by name: checklist, settings, record, connections. The one thing that frontends construct."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_migrate.encoding import canonical
from iris_migrate.engine.clock import clock_of
from iris_migrate.engine.consent import Operator
from iris_migrate.engine.events import Connected, Event, Listener, RunEnded, RunStarted, Status, Waiting
from iris_migrate.engine.executor import Executor
from iris_migrate.engine.inspection import Inspected, Inspection
from iris_migrate.engine.journal import JournalSlice
from iris_migrate.engine.lease import Lease, this_holder
from iris_migrate.engine.migrations import Migrations
from iris_migrate.engine.options import Options
from iris_migrate.engine.results import CheckResult, result_of
from iris_migrate.engine.run import Run, Stopped, status_of
from iris_migrate.engine.secrets import Secrets
from iris_migrate.engine.target import HOST_ADDRESS, LiveTarget
from iris_migrate.language.checklist import Checklist
from iris_migrate.resources.base import resource_class
from iris_migrate.target import Clock
from iris_migrate.values import StepKey, digest

if TYPE_CHECKING:
    from iris_migrate.connections.host.ahead import Ahead
    from iris_migrate.connections.host.connection import HostConnection
    from iris_migrate.engine.archive import Archive
    from iris_migrate.engine.diagnosis import Diagnosis, Diagnostician
    from iris_migrate.engine.sealing import Key

TOLD_FROM = 1.0  # seconds from which waiting for AWS's own rate is worth a line


class Session:
    """One checklist on one migration. Open it, listen, inspect or run, close it."""

    def __init__(
        self,
        options: Options,
        operator: Operator,
        *,
        clock: Clock | None = None,
        checklist: Checklist | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        """`checklist`: one that was made rather than loaded. `ahead`: a connection to its host, begun already."""
        from iris_migrate.language.load import load

        self.options, self.operator, self._ahead = options, operator, ahead
        self.clock: Clock = clock or clock_of(options.environment)
        self._load = partial(load, options.checklist, flags=options.flags, settings_file=options.settings_file())
        self._made = checklist is not None
        self.checklist: Checklist = checklist or self._load()
        self.secrets = Secrets(self.checklist.secrets, options.environment)
        self._listeners: list[Listener] = []
        self.key_listeners: list[Callable[[str, str], None]] = []  # hear a new archive key, and its file

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear every event; the answer ends the listening."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def emit(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    async def open(self) -> Session:
        """Open record and connections. Raises the connections' own errors, WrongAccount, RecordError."""
        from iris_migrate.connections.aws import AwsConnection
        from iris_migrate.connections.web import WebConnection
        from iris_migrate.connections.workstation import Workstation

        self.aws = AwsConnection(profile=self.setting("aws.profile", ""), region=self.region, clock=self.clock)
        self.workstation = Workstation()
        self.aws.listen(self._tell_pace)
        identity = await self.aws.open() if self._uses("aws") else None
        if identity is not None:
            self.emit(Connected(self.clock.now(), "aws", f"{identity.account} {identity.region}"))
        migrations = Migrations(self.options.state_folder() / "migrations", self.aws, self.clock)
        app = str(self.setting("app", self.checklist.name))
        self.record, self.migration = await migrations.open(app, self.region, identity)
        if not self._made and HOST_ADDRESS in self.checklist.settings and not self.setting(HOST_ADDRESS):
            self.checklist = self._load(discovered=await migrations.host(app, self.record))
        from iris_migrate.engine.others import OtherThings

        self.archive = self._archive()
        self.target = LiveTarget(
            self.checklist, archives=self.archive, others=OtherThings(self, identity), aws=self.aws,
            local=self.workstation, web=WebConnection(), clock=self.clock,
            secrets=self.secrets, record=self.record, state=self.options.state_folder(),
            trust_host_key=self.operator.trust_host_key, emit=self.emit, ahead=self._ahead,
        )  # fmt: skip
        if self.checklist.host is not None:
            self.target.locate(self.checklist.host.address, self.checklist.host.instance)
        self.inspection = Inspection(self.checklist, self.target, self.key, self.emit, self.secrets.hide)
        return self

    async def close(self) -> None:
        await self.target.close()
        self.record.close()

    # Looking

    async def inspect(
        self, only: Sequence[str] | None = None, *, within: float | None = None, changed: bool = False
    ) -> CheckResult:
        """Look at every step (or these, with what they name) at once; keep the findings.

        `within` is the time in seconds for all of it. `changed`: keep only findings with another verdict than the one
        before, so that watching for weeks does not fill the disk.
        """
        wanted = None if only is None else self.inspection.with_named(only)
        before = {name: found.finding.verdict for name, found in self.inspection.found.items()} if changed else {}
        await self.inspection.look(wanted, within=within)
        with self.record.together():
            for name, found in self.inspection.found.items():
                if found.step.left_out or (wanted is not None and name not in wanted):
                    continue
                if before.get(name) != found.finding.verdict:
                    self.record.add_finding(found.at, None, self.told_as, name, found.finding, found.seconds)
        return self.result()

    def result(self, statuses: Mapping[str, tuple[Status, str]] | None = None) -> CheckResult:
        """Where everything stands, from the newest findings."""
        now = self.clock.now()
        of, found = self.checklist.name, self.inspection.found
        told = {name: status_of(seen, of, self.record, now) for name, seen in found.items()}
        return result_of(self.checklist, found, {**told, **(statuses or {})}, now)

    def inspected(self, step: str) -> Inspected:
        return self.inspection.found[step]

    @cached_property
    def diagnostician(self) -> Diagnostician:
        """Names causes from facts, for what was found last."""
        from iris_migrate.engine.diagnosis import Diagnostician
        from iris_migrate.engine.explaining import book_of

        def settled(found: Inspected) -> bool:
            return status_of(found, self.checklist.name, self.record, self.clock.now())[0].settled

        return Diagnostician(self.inspection, book_of(self.options), self.secrets.hide, settled)

    async def diagnose(self, steps: Sequence[str] | None = None) -> Diagnosis:
        """Why steps that were looked at do not hold: these, or everything that the facts name. Changes nothing."""
        return await (self.diagnostician.all() if steps is None else self.diagnostician.of(steps))

    @property
    def told_as(self) -> str:
        """The checklist's name in the record; each of several hosts has findings of its own."""
        return f"{self.checklist.name}@{self.options.host}" if self.options.host else self.checklist.name

    async def reach(self) -> HostConnection:
        """The connection to the host, found by the steps that know where it is. Raises Unreadable."""
        await self.inspection.locate()
        return await self.target.connection()

    # Running

    async def run(self, only: Sequence[str] | None = None) -> CheckResult:
        """Bring every step (or these) to hold. The record says how it ended, also when it is cancelled."""
        run = self.start_run()
        how = "interrupted"
        try:
            await run.all(only)
            how = "done"
        except Stopped:
            how = "stopped"
        except Exception:
            how = "failed"
            raise
        finally:
            await self.end_run(run, how)
        return self.result({name: (status, run.details.get(name, "")) for name, status in run.statuses.items()})

    def start_run(self) -> Run:
        """A run that a frontend drives step by step (`look`, `bring`); end it with `end_run`."""
        now = self.clock.now()
        digests = {step.id: digest(canonical(step.with_), step.resource)[:16] for step in self.checklist.steps}
        last = self.record.last_run(self.checklist.name)
        number = self.record.start_run(now, self.checklist.name, self.checklist.digest, digests, this_holder())
        changed = () if last is None else tuple(name for name in digests if last[2].get(name) != digests[name])
        self.emit(RunStarted(now, number, self.checklist.name, self.checklist.digest, changed))
        executor = Executor(
            record=self.record, carriers=self._carriers(), secrets=self.secrets, clock=self.clock, emit=self.emit,
            archived=self.archive.value,
        )  # fmt: skip
        lease = Lease(
            self.record.path.with_suffix(".lock"), migration=self.migration, target=self.target, record=self.record,
            state_folder=str(self.setting("paths.state", "") or self._state_on_host()),
        )  # fmt: skip
        return Run(
            number, self.checklist, self.inspection, executor, self.record, lease, self.secrets,
            JournalSlice(self.target, self.record, self.secrets), self.operator, self.clock, self.emit,
            diagnostician=lambda: self.diagnostician,
        )  # fmt: skip

    async def end_run(self, run: Run, how: str) -> None:
        self.record.end_run(self.clock.now(), run.number, how)
        self.emit(RunEnded(self.clock.now(), run.number, how))
        await run.lease.release()

    def key(self, step: str) -> StepKey:
        return self.record.key(self.migration, step)

    def _state_on_host(self) -> str:
        """Where our own files lie on the host, for checklists that do not say so."""
        root = self.checklist.host.root if self.checklist.host is not None else ""
        return f"{root}/var/lib/iris-migrate"

    # Settings

    @property
    def where(self) -> str:
        """Account and region, as a confirmation names them."""
        return f"{self.aws.account} {self.aws.region}" if self.aws.account else "this machine"

    @property
    def region(self) -> str:
        return str(self.setting("aws.region", "") or self.checklist.region)

    def setting(self, name: str, default: Any = None) -> Any:
        found = self.checklist.settings.get(name)
        return default if found is None else found.value

    def _uses(self, what: str) -> bool:
        return any(what in resource_class(step.resource).uses for step in self.checklist.steps if not step.left_out)

    def _tell_pace(self, seen: object) -> None:
        """A call that waits, for AWS's rate or because AWS said to slow down, is told as waiting."""
        from iris_migrate.connections.aws import CallPaced

        if not isinstance(seen, CallPaced) or (seen.why == "rate limit" and seen.seconds < TOLD_FROM):
            return
        what = (
            f"{seen.action} waits for AWS's rate" if seen.why == "rate limit" else f"AWS said {seen.why}: {seen.action}"
        )
        self.emit(Waiting(self.clock.now(), "", what, seen.seconds))

    def _carriers(self) -> Any:
        from iris_migrate.engine.carriers import Carriers

        return Carriers(
            aws=self.aws, workstation=self.workstation, host=self.target.connection, record=self.record,
            clock=self.clock, archive=self.archive.save,
        )  # fmt: skip

    def _archive(self) -> Archive:
        from iris_migrate.connections.download import Downloads
        from iris_migrate.engine.archive import Archive
        from iris_migrate.engine.archive_key import ArchiveKeys

        state = self.options.state_folder()
        return Archive(
            Path(str(self.setting("backup.folder", "") or state / "archive")), aws=self.aws, clock=self.clock,
            downloads=Downloads(str(self.setting("tls.ca", ""))),
            key=ArchiveKeys(state, self.options.environment, self._tell_key),
        )  # fmt: skip

    def _tell_key(self, key: Key, path: Path) -> None:
        """A new key is told once, to those who asked to hear of it; it is in no event and no record."""
        for hear in self.key_listeners:
            hear(key.text, str(path))
