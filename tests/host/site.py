"""A real host under test, seen from outside: over SSH as its login user, over HTTPS as a client."""

from __future__ import annotations

import functools
import http.client
import json
import shlex
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import paramiko
import yaml

from iris_migrate.rehearsal.launch import World
from tests.practice.run import Done, command
from tests.practice_host import Ran, run

USERS = {"debian-12": "admin", "practice": "ubuntu", "ubuntu-22.04": "ubuntu", "ubuntu-24.04": "ubuntu"}
SERVICE = "iris-backend"
LIMIT = 900.0  # seconds for one command of the program
NO_LIMITS = '[Service]\nEnvironment="IRIS_KEY_LIMIT=1000000 per minute" "IRIS_ADDRESS_LIMIT=1000000 per minute"\n'
PATIENCE = 60.0  # seconds that anything may take; nothing is judged by it
_SOURCE = "1 | def {name}(a, b):\n2 |     return a + b\n"


@dataclass
class Site:
    """The host of a world whose migration has come to its end."""

    world: World

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(Path(self.world.env["IRIS_MIGRATE_SETTINGS"]).read_text())
        return found

    @property
    def user(self) -> str:
        """Whom SSH lets in."""
        return USERS[str(self.settings["os"])]

    @property
    def root(self) -> str:
        """What stands before every path of the host; empty on a real one."""
        return str(self.settings["host.root"])

    @property
    def domain(self) -> str:
        return str(self.settings["domain"])

    @functools.cached_property
    def address(self) -> str:
        return str(self.control("")["addresses"]["host"])

    @functools.cached_property
    def instance(self) -> str:
        [found] = self.control("instances")
        return str(found)

    # --- the world -------------------------------------------------------------------------------------------------

    def control(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.world.control + path, data, timeout=PATIENCE) as answer:
            return json.load(answer)

    def program(self, *arguments: str) -> Done:
        return command(self.world, *arguments, limit=LIMIT)

    def migrate(self, *more: str) -> Done:
        return self.program("migrate", "--auto", "--format", "json", *more)

    def aws(self, service: str) -> Any:
        env = self.world.env
        return boto3.client(
            service, endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_REGION"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"], aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip

    # --- the host --------------------------------------------------------------------------------------------------

    def connect(self) -> paramiko.Transport:
        sock = socket.create_connection((self.address, self.settings["ssh.port"]), 10)
        transport = paramiko.Transport(sock)
        transport.connect(username=self.user, pkey=paramiko.Ed25519Key.from_private_key_file(self.settings["ssh.key"]))
        return transport

    def run(self, script: str, stdin: bytes = b"") -> Ran:
        """A script as root, in sh."""
        transport = self.connect()
        try:
            return run(transport, f"sudo -n sh -c {shlex.quote(script)}", stdin)
        finally:
            transport.close()

    def said(self, script: str) -> str:
        """What a script says that ends with 0."""
        done = self.run(script)
        assert done.status == 0, f"{script}: {done.status}\n{done.out}\n{done.err}"
        return done.out.strip()

    def put(self, path: str, content: str, *, owner: str = "root", mode: str = "0644") -> None:
        done = self.run(f"install -o {owner} -g {owner} -m {mode} /dev/stdin {shlex.quote(path)}", content.encode())
        assert done.status == 0, done.err

    def unit(self, *names: str, unit: str = SERVICE) -> dict[str, str]:
        said = self.said(f"systemctl show {unit} {' '.join(f'-p {name}' for name in names)}")
        return dict(line.split("=", 1) for line in said.splitlines())

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Wait for something to become true, as long as it takes within reason."""
        deadline = time.monotonic() + PATIENCE
        while not (found := _quietly(holds)):
            assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
            time.sleep(0.1)
        return found

    def healthy(self) -> bool:
        status, body = self.ask("/api/iris/health")
        return status == 200 and body.get("status") == "healthy"

    # --- a client --------------------------------------------------------------------------------------------------

    def tls(self) -> ssl.SSLSocket:
        """A connection as a client makes it: the name, the real address, the authority's root."""
        context = ssl.create_default_context(cafile=self.settings["tls.ca"])
        return context.wrap_socket(socket.create_connection((self.address, 443), 10), server_hostname=self.domain)

    def serial(self) -> str:
        """The serial of the certificate that a client is shown."""
        with self.tls() as connection:
            return str(connection.getpeercert()["serialNumber"])  # type: ignore[index]

    def ask(self, path: str, body: Mapping[str, Any] | None = None, *, key: bool = True) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPSConnection(self.domain, timeout=PATIENCE)
        with self.tls() as connection.sock:
            headers = {"Content-Type": "application/json"}
            headers |= {"x-api-key": self.world.env["IRIS_API_KEYS"]} if key else {}
            connection.request("GET" if body is None else "POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")

    def analyse(self, name: str) -> tuple[int, dict[str, Any]]:
        """Have a file of this name analysed; the same name is the same file."""
        return self.ask("/api/iris/analyze", body_of(name))

    @contextmanager
    def closed(self, port: int) -> Iterator[None]:
        """A port that a firewall in front of the host refuses."""
        space = self.said("hostname")  # the host is called as its network namespace
        rule = ["INPUT", "-p", "tcp", "--dport", str(port), "-j", "REJECT"]
        iptables = ["ip", "netns", "exec", space, "iptables", "-w"]
        subprocess.run([*iptables, "-I", *rule], check=True)
        try:
            yield
        finally:
            subprocess.run([*iptables, "-D", *rule], check=True)

    @contextmanager
    def unlimited(self) -> Iterator[None]:
        """The service takes as many requests of one client as there are."""
        folder = f"/etc/systemd/system/{SERVICE}.service.d"
        restart = f"systemctl daemon-reload && systemctl restart {SERVICE}"
        self.said(f"mkdir -p {folder}")
        self.put(f"{folder}/load.conf", NO_LIMITS)
        self.said(restart)
        self.until(self.healthy, "the service answers")
        try:
            yield
        finally:
            self.said(f"rm -r {folder} && {restart}")

    @contextmanager
    def kept(self, *paths: str) -> Iterator[None]:
        """These files as they were, whatever the test does to them."""
        names = " ".join(map(shlex.quote, paths))
        self.said(f"rm -f /root/kept.tar; tar -cpf /root/kept.tar --ignore-failed-read {names} 2>/dev/null; true")
        try:
            yield
        finally:
            self.said(f"rm -f {names}; tar -xpf /root/kept.tar -C / && systemctl daemon-reload")


def body_of(name: str) -> dict[str, Any]:
    return {
        "filename": f"{name}.py",
        "language": "python",
        "source_code": _SOURCE.format(name=name),
        "metadata": {"filepath": f"{name}.py", "line_count": 2},
    }


def _quietly(holds: Callable[[], Any]) -> Any:
    try:
        return holds()
    except (OSError, http.client.HTTPException, paramiko.SSHException, ValueError):
        return None
