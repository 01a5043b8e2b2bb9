"""The ACME server of a real host: pebble, on the host's side of this machine, asking the world's resolver."""

from __future__ import annotations

import contextlib
import json
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path

from iris_migrate.rehearsal.systemd import certificates
from iris_migrate.rehearsal.systemd.needs import program

PORT, _MANAGEMENT = 14000, 15000
_WAIT = 15.0  # seconds


class PebbleError(Exception):
    """It did not start; the message holds what it said."""


class Pebble:
    """A certificate authority that speaks ACME. Its root is another one at each start."""

    def __init__(self, folder: Path, address: str, authority: certificates.Authority, resolver: str) -> None:
        """`folder`: an empty one of its own. `resolver`: address and port of who answers for the domain."""
        self._address, self._folder = address, folder
        folder.mkdir(mode=0o700)
        certificate, key = folder / "server.pem", folder / "server.key"
        certificates.issue(authority, address, certificate, key)
        self._trusted = ssl.create_default_context(cafile=str(authority.certificate))
        settings = {
            "listenAddress": f"{address}:{PORT}",
            "managementListenAddress": f"{address}:{_MANAGEMENT}",
            "certificate": str(certificate),
            "privateKey": str(key),
            "httpPort": 80,
            "tlsPort": 443,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        self._log = (folder / "pebble.log").open("wb")
        self.process = subprocess.Popen(
            [program("pebble"), "-config", str(folder / "pebble.json"), "-dnsserver", resolver],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True,
            # Every order is validated over the network, at once; no order is refused by chance.
            env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_WFE_NONCEREJECT": "0"},
        )  # fmt: skip

    @property
    def directory(self) -> str:
        return f"https://{self._address}:{PORT}/dir"

    def root(self) -> str:
        """The root that clients of issued certificates have to trust, in PEM; waits until pebble answers."""
        deadline = time.monotonic() + _WAIT
        while True:
            try:
                return self._fetch(f"https://{self._address}:{_MANAGEMENT}/roots/0")
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    said = (self._folder / "pebble.log").read_text(errors="replace")[-500:]
                    raise PebbleError(f"pebble does not answer: {error}. {said}") from error
                time.sleep(0.05)

    def _fetch(self, url: str) -> str:
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._trusted)
        )
        with opener.open(url, timeout=5) as answer:
            said: bytes = answer.read()
        return said.decode()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()
