"""A worker process: accepts connections on the master's sockets and answers them, one thread a connection."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import socket
import ssl
import sys
import threading
import time
from typing import BinaryIO

from iris_migrate.rehearsal.host.nginx import directives
from iris_migrate.rehearsal.host.nginx.answers import Answer, Answering, Request, Unanswered, head
from iris_migrate.rehearsal.host.nginx.routes import Routes
from iris_migrate.rehearsal.host.nginx.syntax import Directive

HEAD_LIMIT = 32768


class Worker:
    """Lives until QUIT (finishes what is open) or TERM."""

    def __init__(self, http: Directive, sockets: dict[tuple[str, int], socket.socket]) -> None:
        self.routes = Routes(http)
        types = http.one("types")
        known = {ending: item.name for item in (types.block or () if types else ()) for ending in item.args}
        self.answering = Answering(self.routes, known)
        self.sockets = sockets
        self.leaving = threading.Event()
        self._contexts: dict[int, ssl.SSLContext] = {}
        log = http.one("access_log")
        self._log = (
            os.open(log.args[0], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640) if log and log.args[0] != "off" else -1
        )

    def run(self) -> None:
        for (_, port), listener in self.sockets.items():
            if self.routes.is_tls(port):
                self._contexts[port] = self._context(port)
            threading.Thread(target=self._accept, args=(listener, port), daemon=True).start()
        number = signal.sigwait({signal.SIGQUIT, signal.SIGTERM, signal.SIGINT})
        self.leaving.set()
        if number == signal.SIGQUIT:
            until = time.monotonic() + 10
            while time.monotonic() < until and any(t.name == "connection" for t in threading.enumerate()):
                time.sleep(0.02)
        sys.stdout.flush()
        os._exit(0)

    def _context(self, port: int) -> ssl.SSLContext:
        def made(server: Directive) -> ssl.SSLContext:
            level = [server, self.routes.http]
            certificate = next(item for one in level if (item := one.one("ssl_certificate")))
            key = next(item for one in level if (item := one.one("ssl_certificate_key")))
            return directives.context(certificate.args[0], key.args[0])

        # Read now, once: a certificate that is renewed on the disk is served only after a reload.
        ready = {id(server): made(server) for server in self.routes.servers(port)}
        default = ready[id(self.routes.server(port, ""))]

        def chosen(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
            connection.context = ready[id(self.routes.server(port, name or ""))]

        default.sni_callback = chosen
        return default

    def _accept(self, listener: socket.socket, port: int) -> None:
        while not self.leaving.is_set():
            try:
                listener.settimeout(0.2)
                client, address = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            name = threading.Thread(target=self._serve, args=(client, address[0], port), daemon=True, name="connection")
            name.start()

    def _serve(self, client: socket.socket, address: str, port: int) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, ValueError), client:
            address = address.removeprefix("::ffff:")
            local = client.getsockname()[0].removeprefix("::ffff:")
            if not ipaddress.ip_address(local).is_loopback:
                return  # a practice host answers on this machine only
            client.settimeout(65)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            scheme, stream = "http", client
            if port in self._contexts:
                if client.recv(1, socket.MSG_PEEK) != b"\x16":
                    self._send(
                        client,
                        Answer(
                            400, [("Content-Type", "text/html")], b"The plain HTTP request was sent to HTTPS port\r\n"
                        ),
                    )
                    return
                scheme, stream = "https", self._contexts[port].wrap_socket(client, server_side=True)
            with stream, stream.makefile("rb") as reader:
                while self._one(stream, reader, address, (local, port), scheme):
                    pass

    def _one(self, stream: socket.socket, reader: BinaryIO, address: str, at: tuple[str, int], scheme: str) -> bool:
        """One request that came to an address; true when the connection goes on."""
        line = reader.readline(HEAD_LIMIT)
        if not line.strip():
            return False
        words = line.decode("latin-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            self._send(stream, Answer(400, [("Content-Type", "text/html")], b"400 Bad Request\r\n"))
            return False
        headers = []
        while (raw := reader.readline(HEAD_LIMIT)) not in (b"\r\n", b"\n", b""):
            name, _, value = raw.decode("latin-1").partition(":")
            headers.append((name.strip(), value.strip()))
        request = Request(words[0], words[1], headers, b"", address, *at, scheme)
        body, too_large = self._body(request, reader, stream)
        request = request._replace(body=body)
        keep = words[2] != "HTTP/1.0" and request.header("connection").lower() != "close"
        keep = keep and not too_large and not self.leaving.is_set()
        try:
            answer = self.answering.answer(request, too_large)
        except (Unanswered, OSError, ValueError, IndexError):
            answer = Answer(500, [("Content-Type", "text/html")], b"500 Internal Server Error\r\n")
        if answer.status == 444:
            return False
        data = head(answer, keep=keep, tokens=self.answering.tells_version(request))
        stream.sendall(data if request.method == "HEAD" else data + answer.body)
        self._note(request, words, answer)
        return keep

    def _body(self, request: Request, reader: BinaryIO, stream: socket.socket) -> tuple[bytes, bool]:
        limit = self.answering.body_limit(request)
        if request.header("expect").lower() == "100-continue":
            stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if request.header("transfer-encoding").lower() == "chunked":
            body = b""
            while size := int(reader.readline(64).partition(b";")[0] or b"0", 16):
                body += reader.read(size)
                reader.readline(8)
                if limit and len(body) > limit:
                    return b"", True
            reader.readline(8)
            return body, False
        length = int(request.header("content-length") or 0)
        if limit and length > limit:
            return b"", True
        return (reader.read(length) if length else b""), False

    def _send(self, stream: socket.socket, answer: Answer) -> None:
        stream.sendall(head(answer, keep=False, tokens=True) + answer.body)

    def _note(self, request: Request, words: list[str], answer: Answer) -> None:
        if self._log < 0:
            return
        when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
        agent, referer = request.header("user-agent") or "-", request.header("referer") or "-"
        what = f'"{" ".join(words)}" {answer.status} {len(answer.body)} "{referer}" "{agent}"'
        line = f"{request.client} - - [{when}] {what}\n"
        os.write(self._log, line.encode("latin-1", "replace"))
