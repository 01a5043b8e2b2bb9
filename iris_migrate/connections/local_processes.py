"""Commands on the workstation: in a session of their own, their output heard as it comes, ended as a group."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from iris_migrate.redact import clean_bytes
from iris_migrate.target import Shell, Unreadable

_OUTPUT = 64 * 1024  # bytes of each output of a reading command
_LINE = 8 * 1024  # bytes after which a line is broken
_GRACE = 5.0  # seconds between TERM and KILL
_AFTER = 1.0  # seconds for output that is still in the pipe when the command has ended


async def quick(argv: Sequence[str], *, cwd: str, timeout: float) -> Shell:
    """A command that only reads, with all it says. Past its time: status -1 and the reason in `err`."""
    try:
        child = await _start(argv, cwd, {}, asyncio.subprocess.PIPE)
    except OSError as error:
        return Shell(127, "", f"{_missing(argv, cwd)}: {error.strerror}")
    assert child.stdout is not None and child.stderr is not None
    reading = asyncio.gather(_head(child.stdout), _head(child.stderr), child.wait())
    try:
        async with asyncio.timeout(timeout):
            out, err, status = await reading
    except TimeoutError:
        return Shell(-1, "", f"{argv[0]}: no end in {timeout:g} s")
    finally:
        await _end(child)
    return Shell(status, clean_bytes(out), clean_bytes(err))


class Process:
    """One changing command. Both outputs are one stream, in the order in which they were written."""

    def __init__(self, argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> None:
        self._argv, self._cwd, self._env = list(argv), cwd, dict(env)

    async def watch(self, heard: Callable[[Sequence[str]], None], timeout: float) -> int:
        """Its exit status, negative for a signal. Raises Unreadable when it cannot start or takes too long."""
        try:
            child = await _start(self._argv, self._cwd, self._env, asyncio.subprocess.STDOUT)
        except OSError as error:
            raise Unreadable(f"{_missing(self._argv, self._cwd)} cannot be used: {error.strerror}") from error
        assert child.stdout is not None
        reading = asyncio.create_task(_lines(child.stdout, heard))
        try:
            async with asyncio.timeout(timeout):
                status = await child.wait()
        except TimeoutError as error:
            raise Unreadable(f"{self._argv[0]} took longer than {timeout:g} s and was ended") from error
        finally:
            await _end(child)
            await asyncio.wait([reading], timeout=_AFTER)  # a child it left behind may hold the pipe
            reading.cancel()
        return status


async def _start(argv: Sequence[str], cwd: str, env: Mapping[str, str], err: int) -> asyncio.subprocess.Process:
    """Standard input is empty: nothing waits for keys nobody sees."""
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=err,
        cwd=_folder(cwd),
        env={**os.environ, **env},
        start_new_session=True,
    )


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


async def _head(stream: asyncio.StreamReader) -> bytes:
    """The first part of an output; the rest is read and dropped, so that the command can end."""
    kept = b""
    while piece := await stream.read(65536):
        kept += piece[: _OUTPUT - len(kept)]
    return kept


async def _lines(stream: asyncio.StreamReader, heard: Callable[[Sequence[str]], None]) -> None:
    """Hand on whole lines as they come, as many as there are."""
    rest = b""
    while piece := await stream.read(65536):
        data = rest + piece
        held = data[-1:] if data.endswith(b"\r") else b""  # its line feed may come with the next piece
        *whole, rest = data.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        rest += held
        while len(rest) > _LINE:
            whole.append(rest[:_LINE])
            rest = rest[_LINE:]
        if whole:
            heard([clean_bytes(line[:_LINE]) for line in whole])
    if rest:
        heard([clean_bytes(rest)])
