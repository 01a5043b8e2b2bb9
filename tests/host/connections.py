"""Connections of the program's own to a real host, straight or through a proxy that cuts them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from iris_migrate.connections.host.connection import Address, HostConnection, Pin
from tests.connections.host.conftest import WallClock
from tests.connections.host.proxy import Proxy
from tests.host.site import Site


class Heard(list[str]):
    """Lines in the order in which they came; `until` waits for one."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def __call__(self, lines: list[str]) -> None:
        self.extend(lines)
        self._news.set()

    async def until(self, word: str) -> None:
        async with asyncio.timeout(120):
            while not any(word in line for line in self):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def connected(site: Site, folder: Path, port: int = 0, limit: float = 10.0) -> AsyncIterator[HostConnection]:
    """Open; `port` is a proxy's on this machine, 0 the host's own."""
    key = site.said("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    address = Address("127.0.0.1" if port else site.address, port or 22, site.user, site.settings["ssh.key"], "")
    host = HostConnection(
        address, Pin(site.instance, (key,)), clock=WallClock(), known_hosts=folder / "known_hosts",
        listener=lambda event: None, limit=limit,
    )  # fmt: skip
    await host.open()
    try:
        yield host
    finally:
        await host.close()


@asynccontextmanager
async def proxied(site: Site) -> AsyncIterator[Proxy]:
    proxy = await Proxy(22, address=site.address).start()
    try:
        yield proxy
    finally:
        await proxy.stop()
