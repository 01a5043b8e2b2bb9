"""Hosts to connect to: the practice host, and a real OpenSSH server where this machine has one."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from iris_migrate.connections.host.ahead import Ahead
from iris_migrate.connections.host.connection import Address, ConnectionEvent, HostConnection, Pin
from iris_migrate.rehearsal.host.server import PracticeHost
from iris_migrate.rehearsal.hosts import Ports
from tests.connections.host.proxy import Proxy
from tests.connections.host.sshd import SSHD, Sshd, free_port, privilege_folder


class WallClock:
    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Site:
    """A host under test. `root` is the prefix of its own paths, `files` a folder of it that tests may use."""

    name: str
    port: int
    user: str
    key: Path
    fingerprint: str
    root: Path
    max_sessions: Callable[[int], None]
    files: Path = field(init=False)

    def __post_init__(self) -> None:
        self.files = self.root / "srv"
        self.files.mkdir(exist_ok=True)


@pytest.fixture(scope="session")
def practice_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("practice")
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = Path(f"{key}.pub").read_text()
    ports = Ports(ssh=free_port(), http=free_port(), https=free_port(), app=free_port())
    host = PracticeHost(folder / "root", ports=ports, user="ubuntu", authorized_keys=lambda: [public])
    host.start("127.0.0.1")

    def sessions(count: int) -> None:
        if count == 10:
            host.mend("max-sessions")
        else:
            host.fault("max-sessions", sessions=count)

    print_of = host.fingerprints[0].split()[0]
    yield Site("practice", ports.ssh, "ubuntu", key, print_of, host.root, sessions)
    host.stop()


@pytest.fixture(scope="session")
def openssh() -> Iterator[None]:
    """What a real server needs, or the reason why there is none."""
    if SSHD is None:
        pytest.skip("there is no OpenSSH server on this machine (package openssh-server)")
    with privilege_folder():
        yield


@pytest.fixture(scope="session")
def sshd_site(openssh: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("sshd")
    servers = [Sshd(folder)]
    root = folder / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/os-release").write_text('ID=test\nVERSION_ID="1"\nPRETTY_NAME="Test host"\n')
    (root / "run").mkdir()
    site: Site

    def sessions(count: int) -> None:
        servers.pop().stop()
        servers.append(Sshd(folder, options={"MaxSessions": str(count)}))
        site.port = servers[0].port

    site = Site("sshd", servers[0].port, servers[0].user, servers[0].key, servers[0].fingerprint(), root, sessions)
    yield site
    servers[0].stop()


@pytest.fixture(params=["practice", "sshd"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(f"{request.param}_site")
    return found


@pytest.fixture
async def proxy(site: Site) -> AsyncIterator[Proxy]:
    started = await Proxy(site.port).start()
    yield started
    await started.stop()


@pytest.fixture
def events() -> list[ConnectionEvent]:
    return []


Connect = Callable[..., HostConnection]


@pytest.fixture
async def connect(site: Site, tmp_path: Path, events: list[ConnectionEvent]) -> AsyncIterator[Connect]:
    """Make a connection (not opened) to the site, or to another port of it; all are closed at the end."""
    made: list[HostConnection] = []

    def make(
        *,
        port: int = 0,
        instance: str = "i-0123456789abcdef0",
        prints: tuple[str, ...] | None = None,
        limit: float = 10.0,
        site: Site = site,
        ahead: Ahead | None = None,
    ) -> HostConnection:
        pin = Pin(instance, (site.fingerprint,) if prints is None else prints)
        address = Address("127.0.0.1", port or site.port, site.user, str(site.key), str(site.root))
        connection = HostConnection(
            address, pin, clock=WallClock(), known_hosts=tmp_path / "known_hosts", listener=events.append, limit=limit,
            ahead=ahead,
        )  # fmt: skip
        made.append(connection)
        return connection

    yield make
    for connection in made:
        await connection.close()


@pytest.fixture
async def host(connect: Connect) -> HostConnection:
    connection = connect()
    await connection.open()
    return connection


@pytest.fixture
async def cuttable(connect: Connect, proxy: Proxy) -> HostConnection:
    """A connection through `proxy`."""
    connection = connect(port=proxy.port)
    await connection.open()
    return connection
