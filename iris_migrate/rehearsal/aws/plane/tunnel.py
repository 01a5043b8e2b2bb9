"""How clients reach the public names: a forward proxy for https that knows the names of this world alone."""

from __future__ import annotations

import contextlib
import ssl
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from iris_migrate.rehearsal.serving import QuietHandler

Certify = Callable[[str], tuple[str, str]]  # name -> certificate chain and private key in PEM


class Certificates:
    """TLS contexts of names, made when first asked for."""

    def __init__(self, certify: Certify) -> None:
        self._certify = certify
        self._made: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def context(self, name: str) -> ssl.SSLContext:
        with self._lock:
            if name not in self._made:
                chain, key = self._certify(name)
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                with tempfile.TemporaryDirectory(prefix="iris-practice-") as folder:
                    files = Path(folder) / "chain.pem", Path(folder) / "key.pem"
                    for path, text in zip(files, (chain, key), strict=True):
                        path.touch(mode=0o600)
                        path.write_text(text)
                    context.load_cert_chain(*files)
                self._made[name] = context
            return self._made[name]


def tunnel_handler(known: Callable[[str], bool], certificates: Certificates) -> type[QuietHandler]:
    """A request handler that takes CONNECT for known names, speaks TLS as them, and serves what is asked inside.

    Other names are refused: nothing that a client asks for by this proxy leaves the machine.
    """

    class TunnelHandler(QuietHandler):
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline:
                self.close_connection = True
            elif self.parse_request():
                if self.command == "CONNECT":
                    self._enter(self.path)
                else:
                    self.run_wsgi()

        def _enter(self, target: str) -> None:
            self.close_connection = True
            name, _, port = target.lower().rpartition(":")
            if port != "443" or not known(name):
                self.send_error(502, "Name not known", f"{name} does not resolve in this practice world.")
                return
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.wfile.flush()
            try:
                secure = certificates.context(name).wrap_socket(self.connection, server_side=True)
            except (ssl.SSLError, OSError):
                return
            plain = self.rfile, self.wfile
            try:
                self._inside(secure)
            finally:
                self.rfile, self.wfile = plain
                with contextlib.suppress(ssl.SSLError, OSError, ValueError):
                    secure.unwrap()
                secure.close()

        def _inside(self, secure: ssl.SSLSocket) -> None:
            """Requests inside the tunnel, until the client has no more."""
            self.connection = self.request = secure
            self.rfile = secure.makefile("rb", -1)
            self.wfile = secure.makefile("wb")
            self.close_connection = False
            while not self.close_connection:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    return
                self.run_wsgi()
                self.wfile.flush()

        def make_environ(self) -> dict[str, Any]:
            environ: dict[str, Any] = super().make_environ()
            environ["REMOTE_ADDR"] = self.client_address[0]
            return environ

    return TunnelHandler
