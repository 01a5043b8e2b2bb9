"""Certificates for tests: a self-signed one, and a tiny CA that answers orders as the practice CA does."""

from __future__ import annotations

import datetime
import http.client
import http.server
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: str, key: ec.EllipticCurvePublicKey, issuer: str, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .issuer_name(_named(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
        .sign(signer, hashes.SHA256())
    )


def self_signed(certificate: Path, key: Path, name: str) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    made = _certificate(name, private.public_key(), name, private)
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip


@dataclass
class Authority:
    """Fetches the challenge through the public port, then signs. `orders` counts."""

    address: str
    http_port: int
    orders: list[str] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    url: str = ""

    def start(self) -> None:
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = authority.sign(order)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()

    def sign(self, order: dict[str, str]) -> tuple[int, dict[str, str]]:
        connection = http.client.HTTPConnection(self.address, self.http_port, timeout=5)
        try:
            path = f"/.well-known/acme-challenge/{order['token']}"
            connection.request("GET", path, headers={"Host": order["domain"]})
            answer = connection.getresponse()
            seen = answer.read().decode()
        except OSError as error:
            return 403, {"error": f"{self.address}: Fetching http://{order['domain']}{path}: {error}"}
        if answer.status != 200 or seen.strip() != order["keyauth"]:
            return 403, {
                "error": f"{self.address}: Invalid response from http://{order['domain']}{path}: {answer.status}"
            }
        request = x509.load_pem_x509_csr(order["csr"].encode())
        self.orders.append(order["domain"])
        public = request.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        leaf = _certificate(order["domain"], public, "Practice CA", self.key)
        root = _certificate("Practice CA", self.key.public_key(), "Practice CA", self.key)
        chain = b"".join(item.public_bytes(serialization.Encoding.PEM) for item in (leaf, root))
        return 200, {"fullchain": chain.decode()}
