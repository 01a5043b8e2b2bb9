"""One remote command: both pipes always read, standard input from its own thread, an end that can be trusted."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import re
import shlex
import threading
from collections.abc import Callable
from dataclasses import dataclass

from iris_migrate.connections.host.channels import Channels, Lease, in_thread
from iris_migrate.connections.host.errors import ConnectionLost, HostFailure, RootRefused
from iris_migrate.connections.host.paramiko_alone import paramiko
from iris_migrate.redact import clean_bytes

Sink = Callable[[bytes], None]
CHUNK = 65536
KEPT = 1 << 20  # bytes kept of what an answer may be, where nobody says otherwise

# The script comes on standard input, exactly as long as said: an argument over 128 KiB fails, and what follows
# on standard input is the script's own.
_READ = 'eval "$(head -c "$0")"'
_AS_ROOT = (
    'if command -v sudo >/dev/null 2>&1; then exec sudo -n sh -c "$1" "$0"; '
    'elif [ "$(id -u)" = 0 ]; then exec sh -c "$1" "$0"; '
    "else echo 'sudo: there is no sudo here and this is not root' >&2; exit 1; fi"
)


def reading(size: int, *, root: bool) -> str:
    """The command line that runs a script of `size` bytes from standard input."""
    if root:
        return f"exec sh -c {shlex.quote(_AS_ROOT)} {size} {shlex.quote(_READ)}"
    return f"exec sh -c {shlex.quote(_READ)} {size}"


def filled(script: str, **values: str) -> str:
    """A script with each `@NAME@` replaced, in one pass: what a value holds is not replaced again."""
    return re.sub(r"@([A-Z]+)@", lambda found: values[found[1]], script)


@dataclass(frozen=True, slots=True)
class End:
    """How it ended. `status` is None when it is not known: a lost connection or a signal."""

    status: int | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    status: int
    out: bytes
    err: str


class Command:
    """A command that runs. The sinks are called in reading threads; `ended` is awaited on the loop."""

    def __init__(self, channels: Channels, lease: Lease, out: Sink, err: Sink) -> None:
        self._channels, self._lease = channels, lease
        self._out, self._err = out, err
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[End] = self._loop.create_future()
        self._input: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writing = False
        self._closed = False
        self._broken = ""

    @classmethod
    async def start(cls, channels: Channels, line: str, *, out: Sink, err: Sink, held: bool = False) -> Command:
        """Run a command line. Raises ConnectionLost when the connection went away meanwhile, HostError."""
        lease = await channels.take(held=held)
        command = cls(channels, lease, out, err)
        try:
            await in_thread(lease.channel.exec_command, line)
        except (paramiko.SSHException, EOFError, OSError) as error:
            await channels.give_back(lease)
            raise ConnectionLost("The connection was lost while a command was sent.") from error
        except BaseException:
            await channels.give_back(lease)
            raise
        threading.Thread(target=command._read, name="host read", daemon=True).start()
        return command

    def send(self, data: bytes) -> None:
        """Queue bytes for standard input."""
        if not self._writing:
            self._writing = True
            threading.Thread(target=self._write, name="host write", daemon=True).start()
        for start in range(0, len(data), CHUNK):
            self._input.put(data[start : start + CHUNK])

    def finish(self) -> None:
        """End standard input after what is queued."""
        self.send(b"")
        self._input.put(None)

    async def close(self) -> None:
        """Close the channel: a remote process that is no job sees the end of its standard input and ends."""
        if self._closed:
            return
        self._closed = True
        self._input.put(None)
        await self._channels.give_back(self._lease)

    def _write(self) -> None:
        channel = self._lease.channel
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):  # the reader tells how it ended
            while (data := self._input.get()) is not None:
                channel.sendall(data)
            if not self._closed:
                channel.shutdown_write()

    def _read(self) -> None:
        channel = self._lease.channel
        errors = threading.Thread(target=self._drain, args=(channel.recv_stderr, self._err), daemon=True)
        errors.start()
        self._drain(channel.recv, self._out)
        errors.join()
        # A clean end is an empty read and a status >= 0. Killed connections and signals both give -1.
        status = channel.recv_exit_status()
        end = End(status if status >= 0 and not self._broken else None, self._broken)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle, end)

    def _drain(self, receive: Callable[[int], bytes], sink: Sink) -> None:
        try:
            while data := receive(CHUNK):
                sink(data)
        except (OSError, EOFError, paramiko.SSHException) as error:
            self._broken = str(error) or type(error).__name__

    def _settle(self, end: End) -> None:
        if not self.ended.done():
            self.ended.set_result(end)


class Kept:
    """A sink that keeps what fits, and drops the rest."""

    def __init__(self, limit: int = KEPT) -> None:
        self.data, self._limit = bytearray(), limit

    def __call__(self, data: bytes) -> None:
        self.data += data[: self._limit - len(self.data)]


async def ask(
    channels: Channels, script: str, *, root: bool, feed: bytes = b"", limit: int = KEPT, seconds: float = 60.0
) -> Outcome:
    """Run one script to its end, `feed` after it on standard input. Raises ConnectionLost, RootRefused, HostFailure."""
    text = script.encode()
    out, err = Kept(limit), Kept(16384)
    command = await Command.start(channels, reading(len(text), root=root), out=out, err=err)
    try:
        command.send(text + feed)
        async with asyncio.timeout(seconds):
            end = await asyncio.shield(command.ended)
    except TimeoutError:
        raise HostFailure(f"The host gave no answer in {seconds:.0f} s.") from None
    finally:
        await command.close()
    said = clean_bytes(bytes(err.data)).strip()
    if end.status is None:
        raise ConnectionLost(f"The connection was lost before the host answered. {end.error}".strip())
    if end.status != 0:
        refuse_root(said)
    return Outcome(end.status, bytes(out.data), said)


async def ask_again(
    channels: Channels, script: str, *, root: bool, feed: bytes = b"", limit: int = KEPT, tries: int = 3
) -> Outcome:
    """As `ask`, for what may be asked twice: a lost connection is made again."""
    for _ in range(tries):
        try:
            return await ask(channels, script, root=root, feed=feed, limit=limit)
        except ConnectionLost as error:
            channels.lost(str(error))
            await channels.reconnect(30.0)
    raise ConnectionLost(f"The connection to the host was lost {tries} times in a row. Try again.")


def refuse_root(said: str) -> None:
    """Raise RootRefused when this is sudo speaking."""
    if said.startswith("sudo: ") or "\nsudo: " in said:
        line = next(line for line in said.splitlines() if line.startswith("sudo: "))
        raise RootRefused(
            f"The login user cannot become root ({line.removeprefix('sudo: ')}). Use the image's own user, or allow it"
            " `NOPASSWD: ALL` in /etc/sudoers.d."
        )
