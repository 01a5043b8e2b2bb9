"""The living target: connections opened when they are first asked, one of each, shared by looking and working."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from iris_migrate.engine.events import Connected, ConnectionLost, Listener
from iris_migrate.engine.foundations import outdated
from iris_migrate.engine.record import Record
from iris_migrate.engine.secrets import Secrets
from iris_migrate.language.checklist import Checklist, HostSpec
from iris_migrate.target import Archives, Aws, AwsError, Clock, Host, Http, Local, Unreadable, Web
from iris_migrate.values import SPECIALS, Secret, Text, Unresolved, fill

if TYPE_CHECKING:
    from iris_migrate.connections.aws import AwsConnection
    from iris_migrate.connections.host.ahead import Ahead
    from iris_migrate.connections.host.connection import ConnectionEvent, HostConnection
    from iris_migrate.connections.host.keys import Pin

# The facts of a migration, and the settings of other checklists, that say where its host is.
HOST_ADDRESS, HOST_INSTANCE = "host.address", "host.instance"
HostKeyAsker = Callable[[str, str], Awaitable[bool]]  # (address, fingerprint) -> trust it


class Others(Protocol):
    """What an inspection asks about other things than the world: another checklist, the identity's permissions."""

    async def checklist_holds(self, name: str) -> tuple[bool, str]: ...
    async def permitted(self) -> tuple[tuple[str, ...], tuple[str, ...]]: ...


class HostFacts:
    """The `Host` protocol over a connection that is opened by the first question."""

    def __init__(self, connection: Callable[[], Awaitable[HostConnection]]) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def ask(*args: Any, **kwargs: Any) -> Any:
            facts = (await self._connection()).facts
            return await getattr(facts, name)(*args, **kwargs)

        return ask


class FilledWeb:
    """`Web` whose request headers may name secrets."""

    def __init__(self, web: Web, filled: Callable[[Any], str]) -> None:
        self._web, self._filled = web, filled
        self.resolve, self.tls = web.resolve, web.tls

    async def get(self, url: str, *, headers: Mapping[str, Any] | None = None, **options: Any) -> Http:
        sent = {name: self._filled(value) for name, value in (headers or {}).items()}
        return await self._web.get(url, headers=sent, **options)


class LiveTarget:
    """Implements `Target`; the executor takes its connections from here too."""

    def __init__(
        self,
        checklist: Checklist,
        *,
        aws: AwsConnection,
        local: Local,
        web: Web,
        clock: Clock,
        secrets: Secrets,
        record: Record,
        state: Path,
        trust_host_key: HostKeyAsker,
        emit: Listener = lambda event: None,
        archives: Archives | None = None,
        others: Others | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        self._archives, self._others, self._ahead = archives, others, ahead
        self._checklist, self._secrets, self._record = checklist, secrets, record
        self._aws, self._local, self._web, self._clock = aws, local, FilledWeb(web, self.filled), clock
        self._state, self._trust_host_key, self._emit = state, trust_host_key, emit
        self._opening = asyncio.Lock()
        self._aws_open = False
        self._host: HostConnection | None = None
        self._spec: HostSpec | None = None
        self._unreachable: Unreadable | None = None
        self._facts = cast(Host, HostFacts(self.connection))

    @property
    def host(self) -> Host:
        return self._facts

    @property
    def aws(self) -> Aws:
        return self._aws

    @property
    def local(self) -> Local:
        return self._local

    @property
    def web(self) -> Web:
        return self._web

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def archives(self) -> Archives:
        if self._archives is None:
            raise Unreadable("there are no archives here")
        return self._archives

    async def matches(self, path: str, content: str | Text | Secret) -> bool:
        connection = await self.connection()
        return await connection.matches(path, self.filled(content).encode())

    async def answer(self, step: str) -> str | None:
        """What was answered, as long as nothing was changed since that the step stands on."""
        found = self._record.answer(step)
        if found is None or outdated(self._checklist.step(step), self._checklist, self._record):
            return None
        return found[0]

    async def checklist_holds(self, name: str) -> tuple[bool, str]:
        if self._others is None:
            raise Unreadable(f"whether {name} holds cannot be told from here")
        return await self._others.checklist_holds(name)

    async def permitted(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if self._others is None:
            raise Unreadable("what this identity may do cannot be told from here")
        return await self._others.permitted()

    def filled(self, content: str | Text | Secret) -> str:
        """A text with its secrets filled in, for sending. Raises SecretMissing."""
        return str(
            fill(content, lambda item: item.pick(self._secrets.value(item.name)) if isinstance(item, Secret) else item)
        )

    # Connections

    @property
    def aws_connection(self) -> AwsConnection:
        """For what changes AWS: the executor and the lease."""
        return self._aws

    @property
    def instance(self) -> str:
        """The instance id, as far as it is known; else empty."""
        found = str(self._spec.instance) if self._spec else ""
        return found if found.startswith("i-") else ""

    @property
    def connected(self) -> bool:
        return self._host is not None

    @property
    def pins(self) -> list[str]:
        """The fingerprints that the open connection was checked against."""
        return self._host.pins if self._host else []

    def locate(self, address: object, instance: object) -> None:
        """Say where the host is, as the steps' outputs tell; another address closes the old connection."""
        spec = self._checklist.host
        if spec is None or isinstance(address, (*SPECIALS, Text)) or not address:
            return
        known = "" if isinstance(instance, (*SPECIALS, Text)) else str(instance or "")
        key = str(Path(spec.key).expanduser())
        found = HostSpec(str(address), known, spec.user, spec.port, key, spec.root)
        if found != self._spec:
            self._spec = found
            if self._host is not None:
                old, self._host = self._host, None
                asyncio.get_running_loop().create_task(old.close())

    async def connection(self) -> HostConnection:
        """The open connection to the host. Raises Unreadable with a sentence when there is none to be had."""
        if self._spec is None:
            raise Unreadable("the host's address is not known yet")
        async with self._opening:
            if self._host is None:
                if self._unreachable is not None:  # one look tries once, however many questions it has
                    raise self._unreachable
                try:
                    self._host = await self._open_host(self._spec)
                except Unreadable as error:
                    self._unreachable = error
                    raise
            return self._host

    async def _open_host(self, spec: HostSpec) -> HostConnection:
        from iris_migrate.connections.host.connection import Address, HostConnection
        from iris_migrate.connections.host.keys import HostKeyUnknown, Pin

        assert not isinstance(spec.address, Unresolved) and not isinstance(spec.instance, Unresolved)
        address = Address(spec.address, spec.port, spec.user, spec.key, spec.root)
        who = str(spec.instance or spec.address)
        made = partial(
            HostConnection, address, clock=self._clock, known_hosts=self._state / "known_hosts", listener=self._heard,
            ahead=self._ahead,
        )  # fmt: skip
        connection = made(Pin(who))
        try:
            await connection.open()
        except HostKeyUnknown:  # only now is AWS asked: a host whose key is pinned is reached without it
            connection = await self._vouched_for(made, spec, who)
        self._remember(spec)
        return connection

    async def _vouched_for(self, made: Callable[[Pin], HostConnection], spec: HostSpec, who: str) -> HostConnection:
        """The open connection to a host seen for the first time: its console, or the operator, vouches for its key."""
        from iris_migrate.connections.host.keys import HostKeyUnknown, Pin

        connection = made(Pin(who, tuple(await self._console_fingerprints(who))))
        try:
            await connection.open()
        except HostKeyUnknown as unknown:
            if not await self._trust_host_key(str(spec.address), unknown.fingerprint):
                raise
            connection = made(Pin(who, (unknown.fingerprint,)))
            await connection.open()
        return connection

    def _remember(self, spec: HostSpec) -> None:
        """A checklist that makes the host tells those that only look at it where it is."""
        ours = self._checklist.host
        if ours is not None and isinstance(ours.address, Unresolved):
            self._record.set_fact(self._clock.now(), HOST_ADDRESS, spec.address)
            self._record.set_fact(self._clock.now(), HOST_INSTANCE, spec.instance)

    def _heard(self, event: ConnectionEvent) -> None:
        kind = ConnectionLost if event.kind == "lost" else Connected
        self._emit(kind(event.at, "host", event.says))

    async def _console_fingerprints(self, instance: str) -> Iterable[str]:
        """The host key fingerprints that cloud-init printed on the console; none when AWS cannot tell."""
        from iris_migrate.connections.host.keys import console_fingerprints

        if not instance.startswith("i-"):
            return ()
        try:
            answer = await self._aws.read("ec2", "GetConsoleOutput", InstanceId=instance, Latest=True)
        except AwsError:
            return ()
        return console_fingerprints(str(answer.get("Output") or ""))

    def forget(self) -> None:
        """Remembered facts and reads belong to one inspection: forget them."""
        self._aws.forget()
        self._unreachable = None
        if self._host is not None:
            self._host.forget()

    async def close(self) -> None:
        if self._host is not None:
            await self._host.close()
