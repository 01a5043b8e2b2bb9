"""The socket on which a service of `Type=notify` says that it is ready (sd_notify)."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable


class Readiness:
    """Messages of one run of a service: `told` hears the sender's pid and the variables it sent."""

    def __init__(self, invocation: str, told: Callable[[int, dict[str, str]], None]) -> None:
        self.name = f"@practice-notify-{invocation}"
        self._told = told
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind("\0" + self.name[1:])
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        data, control, _, _ = self._socket.recvmsg(8192, socket.CMSG_SPACE(struct.calcsize("3i")))
        credentials = [raw for _, kind, raw in control if kind == socket.SCM_CREDENTIALS]
        sender = struct.unpack("3i", credentials[0][:12])[0] if credentials else 0
        lines = [line.partition("=") for line in data.decode(errors="replace").splitlines()]
        self._told(sender, {name: value for name, _, value in lines})
