"""The one connection to a host: everything that looks, works and follows goes through it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from iris_migrate.connections.host.ahead import Ahead
from iris_migrate.connections.host.channels import Channels, ConnectionEvent
from iris_migrate.connections.host.facts import HostFacts
from iris_migrate.connections.host.files import Files, WriteResult
from iris_migrate.connections.host.follow import Follower
from iris_migrate.connections.host.job import Job, JobResult, Jobs
from iris_migrate.connections.host.journal import File, Journal, Line
from iris_migrate.connections.host.keys import Pin
from iris_migrate.connections.host.link import Address
from iris_migrate.connections.host.looking import Looking
from iris_migrate.target import Clock

__all__ = [
    "Address",
    "ConnectionEvent",
    "File",
    "HostConnection",
    "Job",
    "JobResult",
    "Journal",
    "Line",
    "Pin",
    "WriteResult",
]


class HostConnection:
    """Open it, then ask `facts`, run jobs, write files, follow. All of it survives a lost connection."""

    def __init__(
        self,
        address: Address,
        pin: Pin,
        *,
        clock: Clock,
        known_hosts: Path,
        listener: Callable[[ConnectionEvent], None] | None = None,
        limit: float = 30.0,
        ahead: Ahead | None = None,
    ) -> None:
        """`listener` hears when the connection goes and comes back. `limit` is the time in seconds for one batch.

        Apt alone may need ten to tell what is pending, on a small instance that has just booted or upgrades itself.
        What hangs holds nothing else back: other answers are handed on as they come. `ahead`: a connection to this
        place that was begun already.
        """
        self.address, self.pin = address, pin
        self._channels = Channels(address, pin, known_hosts, clock, listener, ahead)
        self._looking = Looking(self._channels, limit)
        self._jobs = Jobs(self._channels, address.root, address.user)
        self._files = Files(self._channels, address.root)
        self._follower = Follower(self._channels, clock)
        self.facts = HostFacts(self._looking, address.root)

    async def open(self) -> None:
        """Raises HostUnreachable, HostKeyChanged, HostKeyUnknown, LoginRefused."""
        await self._channels.open()

    async def close(self) -> None:
        await self._looking.close()
        await self._channels.close()

    @property
    def pins(self) -> list[str]:
        """The fingerprints of the keys that are pinned for this host."""
        return self._channels.pins()

    @property
    def batches(self) -> int:
        """How many batches of facts were sent so far, for tests and benchmarks."""
        return self._looking.batches

    def forget(self) -> None:
        """Facts are remembered within one inspection; this forgets them."""
        self._looking.forget()

    async def matches(self, path: str, content: bytes) -> bool:
        """Whether a file is exactly this; the content goes over standard input, and only yes or no comes back."""
        return await self.facts.matches(path, content)

    # Jobs

    async def run(self, job: Job, on_lines: Callable[[Sequence[str]], None], *, offset: int = 0) -> JobResult:
        """Start a job or attach to it, and watch it to its end. See `Jobs.run`."""
        return await self._jobs.run(job, on_lines, offset=offset)

    async def has_job(self, identity: str) -> bool:
        """Whether a job with this id was started since the host booted."""
        return await self._jobs.has(identity)

    async def cancel(self, identity: str) -> str:
        """End a job; says what was seen to end."""
        return await self._jobs.cancel(identity)

    # Files

    async def write_file(
        self,
        path: str,
        content: bytes,
        *,
        mode: str,
        owner: str,
        group: str,
        root: bool = True,
        change: str,
        keep: bool = False,
    ) -> WriteResult:
        """Replace a file in one move. See `Files.write`."""
        return await self._files.write(
            path, content, mode=mode, owner=owner, group=group, root=root, change=change, keep=keep
        )

    async def restore_kept(
        self, change: str, path: str, *, mode: str, owner: str, group: str, root: bool = True
    ) -> None:
        """Put back what a change set aside."""
        await self._files.restore(change, path, mode=mode, owner=owner, group=group, root=root)

    async def fetch(self, path: str, sink: Callable[[bytes], None], *, root: bool = True) -> str:
        """Stream a file of any size to `sink`; the answer is its SHA-256."""
        return await self._files.fetch(path, sink, root=root)

    # Following

    def follow(self, *sources: Journal | File) -> AsyncGenerator[list[Line], None]:
        """Lines as they come, until it is closed. See `Follower.follow`."""
        return self._follower.follow(*sources)

    async def journal(
        self, unit: str, *, since: float | None = None, until: float | None = None, after: str = "", limit: int = 1000
    ) -> list[Line]:
        """A slice of a unit's journal. See `Follower.journal`."""
        return await self._follower.journal(unit, since=since, until=until, after=after, limit=limit)
