"""A stand-in for the model service: POST /v1/responses with settable delay and failures. It counts its calls."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = {
    "file_intent": "Adds numbers for the tests.",
    "responsibility_blocks": [
        {"label": "Adding", "description": "Adds two numbers.", "ranges": [[1, 2]]},
        {"label": "The rest", "description": "What is left.", "ranges": [[2, 3]]},
    ],
}


class _Server(ThreadingHTTPServer):
    """Says nothing of clients that were killed: that is what some tests are about."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class ModelServer:
    """Runs in a thread of the test. `answers` decides what is said; `calls` keeps every request body."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.delay = 0.0
        self.answers: Callable[[int], tuple[int, dict[str, str], Any]] = lambda number: (200, {}, reply(GOOD))
        self._mutex = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler(), bind_and_activate=False)
        self._server.request_queue_size = 128
        self._server.daemon_threads = True
        self._server.server_bind()
        self._server.server_activate()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """What OPENAI_BASE_URL is set to."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> ModelServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _took(self, call: dict[str, Any]) -> int:
        with self._mutex:
            self.calls.append(call)
            return len(self.calls)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                number = outer._took(
                    {
                        "peer": self.client_address[1],
                        "path": self.path,
                        "key": self.headers.get("Authorization"),
                        **body,
                    }
                )
                time.sleep(outer.delay)
                status, headers, answer = outer.answers(number)
                raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                try:
                    self.send_response(status)
                    for name, value in {"Content-Type": "application/json", **headers}.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)
                except OSError:
                    self.close_connection = True  # the client was killed or gave up

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler


def reply(said: object, **changes: Any) -> dict[str, Any]:
    """A whole answer of the model service around what the model said."""
    text = said if isinstance(said, str) else json.dumps(said)
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "completed",
        "model": "gpt-5-nano-2025-08-07",
        "output": [message({"type": "output_text", "text": text, "annotations": []})],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 3562,
            "output_tokens": 270,
            "total_tokens": 3832,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
        **changes,
    }


def message(part: dict[str, Any]) -> dict[str, Any]:
    """One message of the model with one part."""
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def failure(status: int, code: str, **headers: str) -> tuple[int, dict[str, str], Any]:
    """An error as the model service words it, with part of a key in it, which must not be passed on."""
    return status, headers, {"error": {"message": "Incorrect API key: sk-sec***ret", "type": "x", "code": code}}
