"""Something at a presigned address, streamed: a function's code, an image's layer."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from iris_migrate.connections.threads import Threads
from iris_migrate.target import Unreadable

_PIECE = 256 * 1024
_ATTEMPTS = 3


class Downloads:
    """Fetches what AWS gives an address for. The address itself is a key for some minutes: it is never shown."""

    def __init__(self, ca: str = "") -> None:
        """`ca` is a file of further trusted certificates."""
        self._threads, self._ca = Threads("download", 4), ca

    async def fetch(self, url: str, begin: Callable[[], Callable[[bytes], None]], what: str) -> None:
        """Stream to a sink; `begin` makes a fresh one for every attempt. Raises Unreadable."""
        await self._threads.run(partial(_fetch, url, begin, what, self._ca))


def _fetch(url: str, begin: Callable[[], Callable[[bytes], None]], what: str, ca: str) -> None:
    import certifi
    import httpx

    trusted = ssl.create_default_context(cafile=certifi.where())
    if ca:
        trusted.load_verify_locations(Path(ca).expanduser())

    local = urlsplit(url).hostname in ("127.0.0.1", "localhost")
    for attempt in range(1, _ATTEMPTS + 1):
        sink = begin()
        try:
            with (
                httpx.Client(timeout=30, trust_env=not local, follow_redirects=True, verify=trusted) as client,
                client.stream("GET", url) as answer,
            ):
                if answer.status_code != 200:
                    raise Unreadable(f"{what}: its address answered with HTTP {answer.status_code}")
                for piece in answer.iter_raw(_PIECE):
                    sink(piece)
            return
        except httpx.HTTPError as error:
            if attempt == _ATTEMPTS:
                raise Unreadable(f"{what} could not be downloaded: {type(error).__name__}") from error
