"""Commands on the workstation: in a session of their own, their output heard as it comes, ended as a group."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from iris_migrate.redact import clean_bytes
from iris_migrate.target import Shell, Unreadable

_OUTPUT = 64 * 1024  # bytes of each output of a reading command
_LINE = 8 * 1024  # bytes after which a line is broken
_GRACE = 5.0  # seconds between TERM and KILL
_AFTER = 1.0  # seconds for output that is still in the pipe when the command has ended


async def quick(argv: Sequence[str], *, cwd: str, timeout: float) -> Shell:
    """A command that only reads, with all it says. Past its time: status -1 and the reason in `err`."""
    kept = (bytearray(), bytearray())
    async with _pipe() as out, _pipe() as err:
        try:
            child = await _start(argv, cwd, {}, out, err)
        except OSError as error:
            return Shell(127, "", f"{_missing(argv, cwd)}: {error.strerror}")
        reading = [asyncio.create_task(_head(*pair)) for pair in zip((out.stream, err.stream), kept, strict=True)]
        try:
            async with asyncio.timeout(timeout):
                status = await child.wait()
        except TimeoutError:
            return Shell(-1, "", f"{argv[0]}: no end in {timeout:g} s")
        finally:
            await _end(child)
            await _drain(reading)
    return Shell(status, clean_bytes(bytes(kept[0])), clean_bytes(bytes(kept[1])))


class Process:
    """One changing command. Both outputs are one stream, in the order in which they were written."""

    def __init__(self, argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> None:
        self._argv, self._cwd, self._env = list(argv), cwd, dict(env)

    async def watch(self, heard: Callable[[Sequence[str]], None], timeout: float) -> int:
        """Its exit status, negative for a signal. Raises Unreadable when it cannot start or takes too long."""
        async with _pipe() as pipe:
            try:
                child = await _start(self._argv, self._cwd, self._env, pipe, pipe)
            except OSError as error:
                raise Unreadable(f"{_missing(self._argv, self._cwd)} cannot be used: {error.strerror}") from error
            reading = asyncio.create_task(_lines(pipe.stream, heard))
            try:
                async with asyncio.timeout(timeout):
                    return await child.wait()
            except TimeoutError as error:
                raise Unreadable(f"{self._argv[0]} took longer than {timeout:g} s and was ended") from error
            finally:
                await _end(child)
                await _drain([reading])


class _Pipe:
    """A stream to read from, and the end that a command writes to."""

    def __init__(self, stream: asyncio.StreamReader, end: int) -> None:
        self.stream, self.end = stream, end

    def close_end(self) -> None:
        """Close our copy of the writing end, once."""
        if self.end >= 0:
            os.close(self.end)
            self.end = -1


@asynccontextmanager
async def _pipe() -> AsyncIterator[_Pipe]:
    """A pipe of ours: with asyncio's, `wait` would wait for every process that still holds it, not for the command."""
    read_end, write_end = os.pipe()
    stream = asyncio.StreamReader()
    pipe = _Pipe(stream, write_end)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(read_end, "rb", 0)
    )
    try:
        yield pipe
    finally:
        transport.close()
        pipe.close_end()


async def _start(
    argv: Sequence[str], cwd: str, env: Mapping[str, str], out: _Pipe, err: _Pipe
) -> asyncio.subprocess.Process:
    """Start it. Standard input is empty: nothing waits for keys that nobody sees."""
    child = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=out.end,
        stderr=err.end,
        cwd=_folder(cwd),
        env={**os.environ, **env},
        start_new_session=True,
    )
    out.close_end()
    err.close_end()
    return child


def _folder(cwd: str) -> Path | None:
    return Path(cwd).expanduser() if cwd else None


def _missing(argv: Sequence[str], cwd: str) -> str:
    """What made a start fail: the folder, else the program."""
    folder = _folder(cwd)
    return cwd if folder and not folder.is_dir() else argv[0]


async def _end(child: asyncio.subprocess.Process) -> None:
    """End the whole group of one that still runs: asked first, then killed."""
    if child.returncode is not None:
        return
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, how)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await child.wait()
                return


async def _drain(reading: Sequence[asyncio.Task[None]]) -> None:
    """Wait a moment for what is still in the pipes; a process that was left behind may hold them open for good."""
    await asyncio.wait(reading, timeout=_AFTER)
    for task in reading:
        task.cancel()


async def _head(stream: asyncio.StreamReader, kept: bytearray) -> None:
    """Keep the first part of an output; the rest is read and dropped, so that the command can end."""
    while piece := await stream.read(65536):
        kept += piece[: _OUTPUT - len(kept)]


async def _lines(stream: asyncio.StreamReader, heard: Callable[[Sequence[str]], None]) -> None:
    """Hand on whole lines as they come, as many as there are; what is too long for one is several."""
    rest = b""
    while piece := await stream.read(65536):
        data = rest + piece
        held = data[-1:] if data.endswith(b"\r") else b""  # its line feed may come with the next piece
        *whole, rest = data.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if len(rest) > _LINE:
            whole.append(rest)
            rest = b""
        rest += held
        if whole:
            heard([clean_bytes(part) for line in whole for part in _parts(line)])
    if rest.strip(b"\r"):
        heard([clean_bytes(rest)])


def _parts(line: bytes) -> list[bytes]:
    return [line[start : start + _LINE] for start in range(0, len(line), _LINE)] or [b""]
