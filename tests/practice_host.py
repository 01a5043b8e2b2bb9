"""A practice host for tests: `pytest_plugins = ["tests.practice_host"]`, then ask for the fixture `practice_host`."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from iris_migrate.rehearsal.host.server import PracticeHost
from iris_migrate.rehearsal.hosts import Ports

USER = "ubuntu"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Ran:
    """The end of a command; `status` is -1 when a signal ended it."""

    status: int
    out: str
    err: str


@dataclass
class PracticeAccess:
    """A running practice host and the way in. Unpacks as (host, address, port, key path)."""

    host: PracticeHost
    address: str
    port: int
    key: Path

    def __iter__(self) -> Iterator[object]:
        return iter((self.host, self.address, self.port, self.key))

    @property
    def root(self) -> Path:
        return self.host.root

    def connect(self) -> paramiko.Transport:
        """An authenticated connection; the caller closes it."""
        sock = socket.create_connection((self.address, self.port), 10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = paramiko.Transport(sock)
        transport.connect(username=USER, pkey=paramiko.Ed25519Key.from_private_key_file(str(self.key)))
        return transport

    def run(self, command: str, stdin: bytes = b"", *, transport: paramiko.Transport | None = None) -> Ran:
        """One command to its end, over a connection of its own unless one is given."""
        own = transport or self.connect()
        try:
            return run(own, command, stdin)
        finally:
            if transport is None:
                own.close()


def run(transport: paramiko.Transport, command: str, stdin: bytes = b"") -> Ran:
    channel = transport.open_session()
    channel.settimeout(60)
    channel.exec_command(command)
    # Three streams, three threads: whoever reads only one of two pipes hangs when the other is full.
    out, err = bytearray(), bytearray()
    threads = [
        threading.Thread(target=_send, args=(channel, stdin), daemon=True),
        threading.Thread(target=_read, args=(channel.recv_stderr, err), daemon=True),
    ]
    for thread in threads:
        thread.start()
    _read(channel.recv, out)
    for thread in threads:
        thread.join(60)
    status = channel.recv_exit_status()
    channel.close()
    return Ran(status, out.decode(errors="replace"), err.decode(errors="replace"))


def _send(channel: paramiko.Channel, data: bytes) -> None:
    with contextlib.suppress(OSError):
        channel.sendall(data)
        channel.shutdown_write()


def _read(receive: Callable[[int], bytes], into: bytearray) -> None:
    while data := receive(65536):
        into += data


def free_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    """Ports that nobody listens on just now."""
    sockets = [socket.create_server((address, 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def new_key(path: Path) -> str:
    """Write an Ed25519 key pair's private half; returns the public line."""
    key = Ed25519PrivateKey.generate()
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    )
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def make(folder: Path, *, acme: str = "", nginx: str = "auto") -> PracticeAccess:
    """A started host in a folder, on a loopback address of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    public = new_key(folder / "login_key")
    address = f"127.77.{os.getpid() % 250 + 1}.{next(_numbers) % 250 + 1}"
    ssh, http, https, app = free_ports(4, "0.0.0.0")
    host = PracticeHost(
        folder / "root",
        ports=Ports(ssh, http, https, app),
        user=USER,
        authorized_keys=lambda: [public],
        acme=acme,
        nginx=nginx,
    )
    host.start(address)
    return PracticeAccess(host, address, ssh, folder / "login_key")


@pytest.fixture
def practice_host(tmp_path: Path) -> Iterator[PracticeAccess]:
    """A fresh practice host, taken down after the test."""
    access = make(tmp_path / "host")
    try:
        yield access
    finally:
        access.host.stop()


@pytest.fixture(scope="module")
def shared_practice_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeAccess]:
    """One practice host for all tests of a module: for tests that leave it as it was."""
    access = make(tmp_path_factory.mktemp("shared") / "host")
    try:
        yield access
    finally:
        access.host.stop()
