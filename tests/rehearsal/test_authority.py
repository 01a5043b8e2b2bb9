"""The practice certificate authority issues only for what the public port really answers."""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from iris_migrate.rehearsal.authority import Authority
from iris_migrate.rehearsal.clock import PracticeClock
from iris_migrate.rehearsal.control import ControlError
from iris_migrate.rehearsal.serving import Serving, answer

NAME = "iris.practice.example.com"


class Challenge:
    """A public port 80 that answers challenges."""

    def __init__(self) -> None:
        self.said = {"path": "", "body": b""}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == self.said["path"] and environ["HTTP_HOST"] == NAME:
            return answer(start_response, "200 OK", bytes(self.said["body"]), "text/plain")
        return answer(start_response, "404 Not Found", b"", "text/plain")


@pytest.fixture
def challenge() -> Challenge:
    return Challenge()


@pytest.fixture
def authority(challenge: Challenge) -> Iterator[Authority]:
    serving = Serving(challenge).start("test-challenge")
    yield Authority(lambda name: "127.0.0.1" if name == NAME else None, serving.port, PracticeClock())
    serving.stop()


def request(name: str = NAME) -> tuple[str, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    built = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode(), key


def order(authority: Authority, challenge: Challenge, **changes: str) -> dict[str, Any]:
    token = secrets.token_urlsafe(24)
    csr, _ = request()
    asked = {"domain": NAME, "token": token, "keyauth": f"{token}.thumbprint", "csr": csr} | changes
    challenge.said = {"path": f"/.well-known/acme-challenge/{token}", "body": f"{token}.thumbprint".encode()}
    return authority.order(asked)


def test_the_chain_is_trusted_by_its_root_alone(authority: Authority, challenge: Challenge, tmp_path: Path) -> None:
    csr, key = request()
    issued = order(authority, challenge, csr=csr)
    (tmp_path / "ca.pem").write_text(authority.root_pem)
    (tmp_path / "chain.pem").write_text(issued["fullchain"])
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(private)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    ours, theirs = socket.socketpair()
    server = threading.Thread(target=lambda: serving.wrap_socket(theirs, server_side=True).close(), daemon=True)
    server.start()
    with ssl.create_default_context(cafile=tmp_path / "ca.pem").wrap_socket(ours, server_hostname=NAME) as client:
        seen = client.getpeercert()
    server.join(5)
    assert seen is not None
    assert seen["subjectAltName"] == (("DNS", NAME),)
    assert int(str(seen["serialNumber"]), 16) == int(issued["serial"], 16)
    assert authority.shown()["issued"] == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"domain": "other.example.com", "csr": request("other.example.com")[0]}, "NXDOMAIN"),
        ({"keyauth": "another.thumbprint"}, "key authorization"),
        ({"token": "../../etc/passwd-passwd"}, "malformed"),
        ({"csr": request("other.example.com")[0]}, "badCSR"),
        ({"csr": "no request"}, "badCSR"),
    ],
)
def test_an_order_without_proof_is_refused(
    authority: Authority, challenge: Challenge, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(ControlError, match=said):
        order(authority, challenge, **changes)
    assert authority.shown()["issued"] == 0
    assert authority.shown()["orders"] == 1


def test_a_silent_public_port_is_refused(challenge: Challenge) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = Authority(lambda name: "127.0.0.1", taken.getsockname()[1], PracticeClock())
        with pytest.raises(ControlError, match="connection"):
            order(closed, challenge)
