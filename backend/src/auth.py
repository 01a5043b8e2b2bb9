"""Who may ask. Keys are compared by digest in constant time, all of them, whichever fits."""

from __future__ import annotations

import hashlib
import hmac

from flask import Request

from .configuration import AccessSettings
from .errors import Closed, Unauthorized

_FORWARDING = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
    "HTTP_VIA",
)
_LOOPBACK = ("127.", "::1", "::ffff:127.")


class Gatekeeper:
    """Refuses whoever has no valid key."""

    def __init__(self, settings: AccessSettings) -> None:
        self._settings = settings
        self._digests = tuple(key_digest(key) for key in settings.keys)

    def check(self, request: Request) -> None:
        """Raise unless this request may be answered."""
        if self._settings.open_to_all:
            return
        if not self._digests:
            if was_forwarded(request):
                raise Closed
            return
        given = key_digest(request.headers.get("x-api-key", ""))
        valid = False
        for digest in self._digests:
            valid |= hmac.compare_digest(given, digest)
        if not valid:
            raise Unauthorized


def key_digest(key: str) -> bytes:
    """Equal length for every key, so that a comparison tells nothing of it."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def was_forwarded(request: Request) -> bool:
    """It came through a proxy: the bind address says nothing, a public nginx stands in front of it."""
    return any(name in request.environ for name in _FORWARDING)


def peer_is_loopback(request: Request) -> bool:
    """The socket's other end, not what a header claims, is this machine."""
    before = request.environ.get("werkzeug.proxy_fix.orig") or request.environ
    peer = str(before.get("REMOTE_ADDR") or "")
    return peer.startswith(_LOOPBACK)
