"""A raw TCP server that gives scripted answers, whole or broken off, and counts what it was asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence


def http(status: str, body: str, kind: str = "text/xml") -> bytes:
    """An HTTP answer that closes the connection."""
    length = len(body.encode())
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {length}", "Connection: close", "", body]
    return "\r\n".join(lines).encode()


class Answering:
    """Gives the answers one after the other, the last one for good. An empty answer: closed without a word."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = list(answers)
        self.requests: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Answering:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening at once: closing alone leaves a waiting `accept` its last connection."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.requests.append(_request(connection))
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if answer:
                    connection.sendall(answer)


def _request(connection: socket.socket) -> bytes:
    """Head and body, by its Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    wanted = int(lengths[0]) if lengths else 0
    while len(body) < wanted and (piece := connection.recv(65536)):
        body += piece
    return head + b"\r\n\r\n" + body
