"""Channels for looking, working and following: on the shared connection while sshd allows, else on one of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from iris_migrate.connections.host.ahead import Ahead
from iris_migrate.connections.host.errors import ConnectionLost, HostError, HostFailure, HostUnreachable
from iris_migrate.connections.host.keys import KnownHosts, Pin, fingerprint
from iris_migrate.connections.host.link import Address, Link, Refused, connect
from iris_migrate.connections.host.paramiko_alone import paramiko
from iris_migrate.target import Clock

T = TypeVar("T")

WORK, HELD = 4, 2  # channels a connection: sshd gives a closed one back late, so held + 2 x work must stay within 10
LINKS = 5  # connections at most
PATIENCE = 60.0  # seconds in which a channel must be had
REFUSED_FOR = 2.0  # seconds for which a connection that refused a channel is not asked again


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """Something happened to the connection. `kind`: connected | lost | back."""

    at: float
    kind: str
    says: str


@dataclass(slots=True)
class Lease:
    """One open channel. Give it back with `Channels.give_back`."""

    channel: paramiko.Channel
    link: Link
    held: bool


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """Run something that blocks in a thread of its own. Never asyncio's pool: six hung reads would stop all."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            if isinstance(result, Link | paramiko.Channel):
                result.close()
        elif error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def body() -> None:
        result, failed = None, None
        try:
            result = work(*args)
        except BaseException as error:
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=body, name=f"host {getattr(work, '__name__', 'work')}", daemon=True).start()
    return await done


class Channels:
    """The connections to one host. Lost ones are replaced when somebody next needs a channel."""

    def __init__(
        self,
        address: Address,
        pin: Pin,
        known_hosts: Path,
        clock: Clock,
        listener: Callable[[ConnectionEvent], None] | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        self.address, self.pin, self._ahead = address, pin, ahead
        self._known = KnownHosts(known_hosts)
        self._clock, self._listener = clock, listener
        self._links: list[Link] = []
        self._connecting = asyncio.Lock()
        self._freed = asyncio.Event()
        self._lost = False
        self._closed = False

    @property
    def links(self) -> int:
        """How many connections are open."""
        return sum(link.alive for link in self._links)

    def pins(self) -> list[str]:
        """The fingerprints of the keys that are pinned for this host."""
        return [fingerprint(blob) for blob in self._known.pinned(self.pin.instance).values()]

    async def open(self) -> None:
        """Have one connection."""
        async with self._connecting:
            await self._alive() or await self._connect()

    async def take(self, *, held: bool = False) -> Lease:
        """An open channel. Raises ConnectionLost when closed, HostError when the host cannot be had."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while loop.time() < until:
            link = await self._with_room(held, until)
            self._count(link, held, +1)
            try:
                channel = await self._open_on(link)
            except Refused:
                self._count(link, held, -1)
                link.full_until = loop.time() + REFUSED_FOR
            except EOFError:
                self._count(link, held, -1)
                link.close()
                await asyncio.sleep(0.05)
            except BaseException:
                self._count(link, held, -1)
                raise
            else:
                return Lease(channel, link, held)
        raise _no_room(self.address.host)

    async def give_back(self, lease: Lease) -> None:
        """Close a channel. Its slot at the server is free when the remote process has ended."""
        try:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):  # gone already
                await in_thread(lease.channel.close)
        finally:
            self._count(lease.link, lease.held, -1)

    async def reconnect(self, seconds: float) -> None:
        """Have a connection again, trying for so long. Raises what the last try raised."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + seconds, 0.05
        while True:
            try:
                return await self.open()
            except HostUnreachable:
                if loop.time() + pause > until:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    def lost(self, why: str = "") -> None:
        """Somebody saw that the connection is gone: told once until it is back."""
        if not self._lost and not self._closed:
            self._lost = True
            self._tell("lost", f"The connection to {self.address.host} was lost{': ' + why if why else ''}.")

    async def close(self) -> None:
        self._closed = True
        links, self._links = self._links, []
        await asyncio.gather(*(in_thread(link.close) for link in links))
        self._freed.set()

    # Parts

    async def _open_on(self, link: Link) -> paramiko.Channel:
        """Open with a few short waits: a slot may be about to be given back."""
        for pause in (0.01, 0.02, 0.04):
            try:
                return await in_thread(link.open)
            except Refused:
                await asyncio.sleep(pause)
        return await in_thread(link.open)

    async def _with_room(self, held: bool, until: float) -> Link:
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            if self._closed:
                raise ConnectionLost("The connection to the host was closed.")
            alive = await self._alive()
            if link := self._roomy(alive, held):
                return link
            if len(alive) < LINKS:
                async with self._connecting:
                    alive = await self._alive()
                    if link := self._roomy(alive, held):
                        return link
                    if len(alive) < LINKS:
                        try:
                            return await self._connect()
                        except HostError:
                            if not alive:
                                raise
            # All are full: wait until a channel is given back, or a refusal is old enough to ask again.
            soonest = min((link.full_until for link in self._links), default=0.0)
            self._freed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._freed.wait(), max(0.05, min(soonest - loop.time(), REFUSED_FOR)))
        raise _no_room(self.address.host)

    def _roomy(self, links: list[Link], held: bool) -> Link | None:
        now = asyncio.get_running_loop().time()
        for link in links:
            if link.full_until <= now and (link.held < HELD if held else link.work < WORK):
                return link
        return None

    async def _alive(self) -> list[Link]:
        self._links = [link for link in self._links if link.alive]
        return self._links

    async def _connect(self) -> Link:
        link = await in_thread(connect, self.address, self.pin, self._known, self._ahead)
        if self._closed:
            link.close()
            raise ConnectionLost("The connection to the host was closed.")
        self._links.append(link)
        if self._lost:
            self._lost = False
            self._tell("back", f"The connection to {self.address.host} is back.")
        elif len(self._links) == 1:
            self._tell("connected", f"Connected to {self.address.host}.")
        return link

    def _count(self, link: Link, held: bool, by: int) -> None:
        if held:
            link.held += by
        else:
            link.work += by
        if by < 0:
            self._freed.set()

    def _tell(self, kind: str, says: str) -> None:
        if self._listener is not None:
            self._listener(ConnectionEvent(self._clock.now(), kind, says))


def _no_room(host: str) -> HostFailure:
    return HostFailure(
        f"{host} opened no further session in {PATIENCE:.0f} s. End other connections to it, or raise"
        " MaxSessions in its sshd_config."
    )
