"""A connection begun before it is known who logs in: reached and greeted while the rest of the program is read."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_migrate.connections.host.paramiko_alone import paramiko

CONNECT = 10.0  # seconds for each of: TCP, banner, key exchange, login
SILENCE = 20_000  # milliseconds after which unacknowledged data means that the connection is lost


class Ahead:
    """TCP and key exchange with a host, in a thread of its own. Nobody logs in, and whose key it is is not asked here.

    SSH's library is read while TCP connects: it is most of what a look that changes nothing has to read.
    """

    def __init__(self, host: str, port: int) -> None:
        self.place = (host, port)
        self._lock = threading.Lock()
        self._greeted: Future[paramiko.Transport] | None = Future()
        threading.Thread(target=self._begin, args=(self._greeted,), name="host ahead", daemon=True).start()

    def take(self, host: str, port: int) -> paramiko.Transport | None:
        """The transport, once and for this place alone; else None. Raises as connecting does; blocks until then."""
        with self._lock:
            if (host, port) != self.place or self._greeted is None:
                return None
            greeted, self._greeted = self._greeted, None
        return greeted.result()

    def close(self) -> None:
        """End what nobody took."""
        with self._lock:
            greeted, self._greeted = self._greeted, None
        if greeted is not None:
            greeted.add_done_callback(_close)

    def _begin(self, greeted: Future[paramiko.Transport]) -> None:
        try:
            sock = dialled(*self.place)
            from iris_migrate.connections.host.link import greet

            greeted.set_result(greet(sock))
        except BaseException as error:
            greeted.set_exception(error)


def _close(greeted: Future[paramiko.Transport]) -> None:
    if greeted.exception() is None:
        greeted.result().close()


def dialled(host: str, port: int) -> socket.socket:
    """A socket that is connected. Raises OSError."""
    sock = socket.create_connection((host, port), timeout=CONNECT)
    sock.settimeout(None)
    # paramiko never sets it, and Nagle costs 45 ms an operation.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE)
    return sock
