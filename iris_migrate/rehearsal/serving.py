"""A WSGI application on a loopback port, in threads that end with the world."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class QuietHandler(WSGIRequestHandler):
    """Requests are kept where they belong (ledger, counters), not on standard error."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class Serving:
    """A server that listens from construction on; `start` begins to answer."""

    def __init__(
        self,
        application: Application,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        handler: type[WSGIRequestHandler] = QuietHandler,
    ) -> None:
        self._address = address
        self._server: BaseWSGIServer = make_server(address, port, application, threaded=True, request_handler=handler)
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    @property
    def url(self) -> str:
        """Address without a slash at the end."""
        return f"http://{self._address}:{self.port}"

    def start(self, name: str) -> Serving:
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, kwargs={"poll_interval": 0.05}, name=name, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(timeout=5)
        self._server.server_close()


def read_body(environ: dict[str, Any], limit: int = 4 * 1024 * 1024) -> bytes:
    """The request's body, at most `limit` bytes."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return b""
    body: bytes = environ["wsgi.input"].read(min(length, limit)) if length else b""
    return body


def answer(
    start_response: Callable[..., Any], status: str, body: bytes, content_type: str, **headers: str
) -> list[bytes]:
    """Send one whole answer."""
    more = [(name.replace("_", "-"), value) for name, value in headers.items()]
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body))), *more])
    return [body]


def answer_json(start_response: Callable[..., Any], value: Any, status: str = "200 OK", **headers: str) -> list[bytes]:
    body = (json.dumps(value, ensure_ascii=False, default=str) + "\n").encode()
    return answer(start_response, status, body, "application/json", **headers)
