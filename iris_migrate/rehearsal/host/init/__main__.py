"""Process 1 of a practice host. `python -m iris_migrate.rehearsal.host.init FOLDER`; ends when its standard input ends.

It listens on an abstract socket (only for processes of the same user), one message each way: `run` starts a command
whose three pipes come along, `systemctl` and `log` are what the stand-ins ask. Prints `ready` when it listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import sys
import uuid
from pathlib import Path
from typing import Any

from iris_migrate.rehearsal.host.init import processes
from iris_migrate.rehearsal.host.init.journal import Journal
from iris_migrate.rehearsal.host.init.request import Answer
from iris_migrate.rehearsal.host.init.spawning import Spawning
from iris_migrate.rehearsal.host.init.systemctl import Systemctl
from iris_migrate.rehearsal.host.init.units import Units
from iris_migrate.rehearsal.host.tree import AS_USER, MARKER, Tree

REBOOT = 100  # exit status: start me again
MESSAGE = 1 << 20
PATIENCE = 2.0  # seconds that commands have to end after TERM when the host goes down; a real host gives 90


class Init:
    """The machine: spawning, units, journal, and the socket."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.spawning = Spawning(tree.root)
        self.journal = Journal(tree.journal, uuid.uuid4().hex)
        self.units = Units(self)
        self.systemctl = Systemctl(self.units)
        self._settings = tree.settings()
        self._end = asyncio.Event()
        self._status = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def environment(self, user: str) -> dict[str, str]:
        """What a service of this user finds in its environment before its unit says more."""
        home = str(self.tree.root / "root" if user == "root" else self.tree.home(user))
        named = {} if user == "root" else {"HOME": home, "LOGNAME": user, "USER": user, "SHELL": "/bin/sh"}
        base = {"PATH": self.tree.path, "LANG": "C.UTF-8", "TMPDIR": str(self.tree.root / "tmp")}
        return {**base, **named, MARKER: str(self.tree.root), AS_USER: user}

    def user_exists(self, user: str) -> bool:
        return any(line.split(":")[0] == user for line in self.tree.passwd.read_text().splitlines())

    async def run(self) -> int:
        processes.become_reaper()
        self.spawning.watch()
        loop = asyncio.get_running_loop()
        loop.add_reader(0, self._parent_spoke)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        listener.bind(self.tree.control_address())
        listener.listen(128)
        loop.add_reader(listener, self._accept, listener)
        os.write(1, b"ready\n")
        boot = asyncio.create_task(self.units.boot())
        await self._end.wait()
        boot.cancel()
        loop.remove_reader(listener)
        listener.close()
        await self._take_down()
        return self._status

    async def _take_down(self) -> None:
        commands = processes.descendants(os.getpid()) - {
            pid for unit in self.units.loaded.values() for pid in unit.members
        }
        processes.send(commands, signal.SIGTERM)
        await asyncio.gather(self.units.end(), processes.gone(commands, PATIENCE))
        while left := {pid for pid in processes.descendants(os.getpid()) if not processes.zombie(pid)}:
            processes.send(left, signal.SIGKILL)
            await asyncio.sleep(0.01)

    def _parent_spoke(self) -> None:
        if not os.read(0, 64):
            asyncio.get_running_loop().remove_reader(0)
            self._end.set()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            connection, _ = listener.accept()
            connection.setblocking(False)
            _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if uid != os.getuid():
                connection.close()
                return
            task = asyncio.create_task(self._serve(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        descriptors: list[int] = []
        try:
            readable = asyncio.Event()
            loop.add_reader(connection, readable.set)
            await readable.wait()
            loop.remove_reader(connection)
            data, descriptors, _, _ = socket.recv_fds(connection, MESSAGE, 3)
            if data:
                await self._answer(connection, json.loads(data), descriptors)
        except (ConnectionError, BrokenPipeError):
            pass  # who asked has gone
        finally:
            for descriptor in descriptors:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
            connection.close()

    async def _answer(self, connection: socket.socket, request: dict[str, Any], descriptors: list[int]) -> None:
        match request["do"]:
            case "run":
                await self._run_command(connection, request, descriptors)
            case "systemctl":
                answer = await self.systemctl.run(request["argv"], request["user"])
                await self._send(connection, {"status": answer.status, "out": answer.out, "err": answer.err})
                self._reboot_if(answer)
            case "processes":
                await self._send(connection, {"pids": sorted(processes.descendants(os.getpid()))})
            case "log":
                self.journal.write(request["message"], **request["fields"])
                await self._send(connection, {"status": 0})

    async def _run_command(self, connection: socket.socket, request: dict[str, Any], descriptors: list[int]) -> None:
        stdin, stdout, stderr = descriptors
        try:
            pid, end = self.spawning.start(
                request["argv"], request["environment"], request["cwd"], stdin=stdin, stdout=stdout, stderr=stderr
            )
        except OSError as error:
            os.write(stderr, f"{request['argv'][0]}: {os.strerror(error.errno or 0)}\n".encode())
            await self._send(connection, {"pid": 0, "status": 255})
            return
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
            descriptors.clear()
        await self._send(connection, {"pid": pid})
        await self._send(connection, {"pid": pid, "status": await end})

    async def _send(self, connection: socket.socket, answer: dict[str, Any]) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MESSAGE)
        await asyncio.get_running_loop().sock_sendall(connection, json.dumps(answer).encode())

    def _reboot_if(self, answer: Answer) -> None:
        if answer.reboot:
            self._status = REBOOT
            self._end.set()


def main() -> int:
    return asyncio.run(Init(Tree(Path(sys.argv[1]))).run())


if __name__ == "__main__":
    sys.exit(main())
