"""Signed addresses from which code and layers are fetched, each good for a while."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from urllib.parse import quote

from iris_migrate.rehearsal.aws.plane.exchange import Asked, Told
from iris_migrate.rehearsal.clock import PracticeClock

CODE_SECONDS = 600.0  # "The link is valid for 10 minutes": GetFunction in the API reference
LAYER_SECONDS = 3600.0  # assumed: the addresses seen carry X-Amz-Expires=3600


@dataclass(frozen=True, slots=True)
class Offer:
    data: bytes
    until: float


@dataclass(slots=True)
class Downloads:
    clock: PracticeClock
    _offers: dict[tuple[str, str], Offer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def offer(self, host: str, name: str, data: bytes, seconds: float) -> str:
        """An address of this host that gives the data for so many seconds of the world's clock."""
        path = f"/{quote(name)}/{secrets.token_hex(8)}"
        now = self.clock.now()
        with self._lock:
            for old in [place for place, offer in self._offers.items() if offer.until + 86400 < now]:
                del self._offers[old]
            self._offers[host, path] = Offer(data, now + seconds)
        signature = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires={seconds:.0f}&X-Amz-Signature=practice"
        return f"https://{host}{path}?{signature}"

    def hosts(self) -> frozenset[str]:
        with self._lock:
            return frozenset(host for host, _ in self._offers)

    def answer(self, asked: Asked) -> Told:
        """As S3 answers: the data, 403 once the signature has expired, 403 for what was never offered."""
        with self._lock:
            offer = self._offers.get((asked.host, quote(asked.path)))
        if asked.method not in ("GET", "HEAD"):
            return _refused("SignatureDoesNotMatch", "The request signature does not match.")
        if offer is None or "X-Amz-Signature" not in asked.parameters:
            return _refused("AccessDenied", "Access Denied")
        if self.clock.now() >= offer.until:
            return _refused("AccessDenied", "Request has expired")
        return Told(200, offer.data, {"Content-Type": "application/octet-stream"})


def _refused(code: str, text: str) -> Told:
    xml = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{text}</Message></Error>'
    return Told(403, xml.encode(), {"Content-Type": "application/xml"})
