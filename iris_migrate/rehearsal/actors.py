"""The people around a migration: they act on what they see of the world, never on what the program says."""

from __future__ import annotations

import http.client
import json
import logging
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from iris_migrate.rehearsal.extension import BUNDLE, USER_AGENT
from iris_migrate.rehearsal.names import Zone

log = logging.getLogger(__name__)

DNS_SECONDS = 2.0  # from the address being associated until the record is there
_LOOK = 0.2  # seconds between two looks
_AGAIN = 1.0  # seconds until the tester tries again
_URL = re.compile(r"API_BASE_URL = ['\"](https?://[^'\"]+)['\"]")
_SOURCE = "1 | def greet(name):\n2 |     return f'Hello {name}'\n3 | \n4 | print(greet('practice'))\n"


@dataclass(slots=True)
class DomainOwner:
    """Points the domain at the Elastic IP once it is associated, and takes the record away when it is not."""

    zone: Zone
    domain: str
    associated: Callable[[], str | None]
    _pointed: str | None = None

    def look(self) -> None:
        address = self.associated()
        if address == self._pointed:
            return
        if address is None:
            self.zone.forget(self.domain)
        else:
            self.zone.point(self.domain, address, after=DNS_SECONDS)
        self._pointed = address


@dataclass(slots=True)
class ExtensionUser:
    """Tries the extension once its bundle names a new endpoint: one analysis, as the extension would ask.

    Asks again while the service does not answer with 200; after that, only when the endpoint changes.
    """

    checkout: Path
    old_endpoint: str
    api_key: str
    resolve: Callable[[str], str | None]
    ca: Path
    address: str = ""  # where from; empty: from this machine's own
    tried: list[dict[str, Any]] = field(default_factory=list)
    _satisfied: str = ""
    _wait: int = 0

    def look(self) -> None:
        if self._wait > 0:
            self._wait -= 1
            return
        endpoint = self._endpoint()
        if not endpoint or endpoint in (self.old_endpoint, self._satisfied):
            return
        status = self._analyse(endpoint)
        self.tried.append({"endpoint": endpoint, "status": status})
        del self.tried[:-50]
        if status == 200:
            self._satisfied = endpoint
        else:
            self._wait = int(_AGAIN / _LOOK)

    def _endpoint(self) -> str:
        try:
            found = _URL.search((self.checkout / BUNDLE).read_text())
        except OSError:
            return ""
        return found.group(1).rstrip("/") if found else ""

    def _analyse(self, endpoint: str) -> int:
        """The status of the answer; 0 when there was none."""
        connection = None
        try:
            connection = connect(endpoint, self.resolve, self.ca, source=self.address)
            body = json.dumps({"filename": "greet.py", "language": "python", "source_code": _SOURCE})
            headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT, "x-api-key": self.api_key}
            connection.request("POST", f"{urlsplit(endpoint).path}/api/iris/analyze", body, headers)
            response = connection.getresponse()
            response.read()
            return response.status
        except (OSError, http.client.HTTPException, ValueError) as error:
            log.info("tester: %s: %s", endpoint, error)
            return 0
        finally:
            if connection is not None:
                connection.close()


def connect(
    url: str, resolve: Callable[[str], str | None], ca: Path, timeout: float = 15.0, source: str = ""
) -> http.client.HTTPConnection:
    """A connection to a URL whose name is looked up by `resolve`; https is checked against `ca`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    address = resolve(host) or (host if re.fullmatch(r"[0-9.]+", host) else None)
    if address is None:
        raise OSError(f"{host} does not resolve")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    sock: socket.socket = socket.create_connection(
        (address, port), timeout=timeout, source_address=(source, 0) if source else None
    )
    if secure:
        try:
            sock = ssl.create_default_context(cafile=str(ca)).wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
    connection.sock = sock
    return connection


@dataclass(slots=True)
class Actors:
    """Lets each actor look, one after the other, until the world ends."""

    owner: DomainOwner
    tester: ExtensionUser
    colleague: ExtensionUser
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        people = {"owner": self.owner.look, "tester": self.tester.look, "colleague": self._colleague_looks}
        for name, look in people.items():
            thread = threading.Thread(target=self._run, args=(look,), name=f"practice-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _colleague_looks(self) -> None:
        """A colleague gets the new version once it has been tested."""
        if any(item["status"] == 200 for item in self.tester.tried):
            self.colleague.look()

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=2)

    def shown(self, _: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {"tested": list(self.tester.tried), "used": list(self.colleague.tried)}

    def _run(self, look: Callable[[], None]) -> None:
        while not self._ended.wait(_LOOK):
            try:
                look()
            except Exception:
                log.exception("an actor")
