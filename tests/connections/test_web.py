"""The public side: answers and their absence, names from a real DNS server, certificates from a real TLS server."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from iris_migrate.connections.web import WebConnection
from iris_migrate.target import Unreadable
from tests.connections.answering import Answering, http


@pytest.fixture
def web() -> WebConnection:
    return WebConnection()


# HTTP


async def test_an_answer_has_status_headers_and_a_parsed_body(web: WebConnection) -> None:
    with Answering([http("200 OK", '{"status": "healthy"}', "application/json")]) as server:
        answer = await web.get(f"{server.url}/health", headers={"x-api-key": "k"})
    assert (answer.status, answer.body, answer.error) == (200, {"status": "healthy"}, "")
    assert answer.headers["content-type"] == "application/json"
    assert b"x-api-key: k\r\n" in server.requests[0]


async def test_text_is_bounded_and_clean(web: WebConnection) -> None:
    with Answering([http("200 OK", "\x1b[31m" + "x" * 100_000, "text/plain")]) as server:
        body = (await web.get(server.url)).body
    assert set(body) == {"x"}
    assert len(body) <= 64 * 1024


async def test_what_calls_itself_json_and_is_not_stays_text(web: WebConnection) -> None:
    with Answering([http("502 Bad Gateway", "<html>", "application/json")]) as server:
        answer = await web.get(server.url)
    assert (answer.status, answer.body) == (502, "<html>")


async def test_no_answer_is_status_zero_and_a_reason(web: WebConnection) -> None:
    with Answering([b""]) as server:
        broken = await web.get(server.url)
        url = server.url
    assert (broken.status, "connection broke" in broken.error) == (0, True)
    refused = await web.get(url)
    assert (refused.status, "refused" in refused.error.lower()) == (0, True)


async def test_a_server_that_says_nothing_is_given_up(web: WebConnection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = await web.get(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.5)
    assert answer.status == 0
    assert "no answer in 0.5 s" in answer.error


async def test_an_address_is_used_instead_of_the_name_which_stays_in_host(web: WebConnection) -> None:
    with Answering([http("200 OK", "ok")]) as server:
        answer = await web.get(f"http://iris.example.com:{server.port}/x", connect="127.0.0.1")
    assert answer.status == 200
    assert f"host: iris.example.com:{server.port}".encode() in server.requests[0].lower()


async def test_redirects_are_shown_or_followed(web: WebConnection) -> None:
    moved = b"HTTP/1.1 308 Permanent Redirect\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with Answering([moved, moved, http("200 OK", "there")]) as server:
        shown = await web.get(f"http://iris.example.com:{server.port}/a", connect="127.0.0.1")
        followed = await web.get(f"http://iris.example.com:{server.port}/b", connect="127.0.0.1", redirects=True)
    assert (shown.status, shown.headers["location"]) == (308, "/there")
    assert (followed.status, followed.body) == (200, "there")
    assert [request.split(b" ")[1] for request in server.requests] == [b"/a", b"/b", b"/there"]


async def test_a_key_does_not_follow_a_redirect_to_somebody_else(web: WebConnection) -> None:
    with Answering([http("200 OK", "elsewhere")]) as other:
        away = (
            f"HTTP/1.1 302 Found\r\nLocation: http://localhost:{other.port}/\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n"
        )
        with Answering([away.encode()]) as server:
            await web.get(server.url, headers={"x-api-key": "secret"}, redirects=True)
        assert b"secret" in server.requests[0]
        assert len(other.requests) == 1
        assert b"secret" not in other.requests[0]


async def test_a_proxy_of_the_environment_is_not_asked_about_this_machine(
    web: WebConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with Answering([http("200 OK", "ok")]) as server:
        assert (await web.get(server.url)).status == 200


# Names


class DnsServer:
    """A real DNS server over UDP for a handful of names."""

    def __init__(self, records: Mapping[str, Mapping[str, tuple[str, ...]]]) -> None:
        self._records = records
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                data, sender = self._socket.recvfrom(4096)
            except OSError:
                return
            answer = self._answer(dns.message.from_wire(data))
            self._socket.sendto(answer.to_wire(), sender)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name == "broken.example.com":
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self._records:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif found := self._records[name].get(kind):
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        return answer


@pytest.fixture
def resolver() -> Iterator[str]:
    server = DnsServer(
        {
            "iris.example.com": {"A": ("192.0.2.2", "192.0.2.1"), "AAAA": ("2001:db8::1",)},
            "four.example.com": {"A": ("192.0.2.4",)},
            "empty.example.com": {"TXT": ('"x"',)},
        }
    )
    yield server.address
    server.stop()


async def test_addresses_of_both_kinds_are_told(web: WebConnection, resolver: str) -> None:
    assert await web.resolve("iris.example.com", resolver=resolver) == ("192.0.2.1", "192.0.2.2", "2001:db8::1")
    assert await web.resolve("four.example.com", resolver=resolver) == ("192.0.2.4",)


async def test_a_name_without_addresses_is_empty(web: WebConnection, resolver: str) -> None:
    assert await web.resolve("none.example.com", resolver=resolver) == ()
    assert await web.resolve("empty.example.com", resolver=resolver) == ()


async def test_no_answer_is_not_no_address(web: WebConnection, resolver: str) -> None:
    with pytest.raises(Unreadable, match=r"does not tell the address of broken\.example\.com"):
        await web.resolve("broken.example.com", resolver=resolver)


async def test_a_resolver_that_is_none_is_named(web: WebConnection) -> None:
    with pytest.raises(Unreadable, match="is no resolver"):
        await web.resolve("iris.example.com", resolver="dns.example.com")


# Certificates


class TlsServer:
    """A real TLS server with a certificate of an authority of its own."""

    def __init__(self, folder: Path) -> None:
        self.ca, authority, ca_key = self._authority(folder)
        certificate, key = self._issue(authority, ca_key)
        self.serial, self.not_after = certificate.serial_number, certificate.not_valid_after_utc.timestamp()
        pem = folder / "server.pem"
        pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + _private(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        context.sni_callback = lambda _socket, name, _context: self.names.append(str(name))
        self.names: list[str] = []
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self._socket.close()  # a waiting `accept` ends with the test's process

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(plain, server_side=True) as secured:
                    if secured.recv(65536):
                        secured.sendall(http("200 OK", "secured"))
            except OSError:
                continue

    @staticmethod
    def _authority(folder: Path) -> tuple[Path, x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        certificate = _builder(name, name, key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        signed = certificate.sign(key, hashes.SHA256())
        path = folder / "ca.pem"
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return path, signed, key

    @staticmethod
    def _issue(
        authority: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "iris.example.com")])
        names = x509.SubjectAlternativeName(
            [x509.DNSName("iris.example.com"), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]
        )
        builder = _builder(name, authority.subject, key.public_key()).add_extension(names, critical=False)
        return builder.sign(ca_key, hashes.SHA256()), key


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[TlsServer]:
    server = TlsServer(tmp_path)
    yield server
    server.stop()


async def test_a_certificate_is_told_and_trusted_by_its_authority(web: WebConnection, tls_server: TlsServer) -> None:
    seen = await web.tls("iris.example.com", connect="127.0.0.1", port=tls_server.port, ca=str(tls_server.ca))
    assert (seen.trusted, seen.error) == (True, "")
    assert seen.names == ("iris.example.com", "192.0.2.1")
    assert (seen.subject, seen.issuer) == ("CN=iris.example.com", "CN=Test authority")
    assert int(seen.serial, 16) == tls_server.serial
    assert seen.not_after == tls_server.not_after
    assert tls_server.names == ["iris.example.com"]


async def test_one_that_is_not_trusted_is_shown_all_the_same(web: WebConnection, tls_server: TlsServer) -> None:
    stranger = await web.tls("iris.example.com", connect="127.0.0.1", port=tls_server.port)
    assert not stranger.trusted
    assert stranger.error
    assert int(stranger.serial, 16) == tls_server.serial
    other = await web.tls("other.example.com", connect="127.0.0.1", port=tls_server.port, ca=str(tls_server.ca))
    assert not other.trusted
    assert "other.example.com" in other.error


async def test_nobody_there_is_a_reason_and_no_serial(web: WebConnection, tls_server: TlsServer) -> None:
    tls_server.stop()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    seen = await web.tls("iris.example.com", connect="127.0.0.1", port=port)
    assert (seen.serial, seen.trusted) == ("", False)
    assert "refused" in seen.error.lower()


async def test_https_by_address_checks_the_name(web: WebConnection, tls_server: TlsServer) -> None:
    ca = str(tls_server.ca)
    good = await web.get(f"https://iris.example.com:{tls_server.port}/", connect="127.0.0.1", ca=ca)
    assert (good.status, good.body) == (200, "secured")
    other = await web.get(f"https://other.example.com:{tls_server.port}/", connect="127.0.0.1", ca=ca)
    assert (other.status, "not trusted" in other.error) == (0, True)
    stranger = await web.get(f"https://iris.example.com:{tls_server.port}/", connect="127.0.0.1")
    assert (stranger.status, "not trusted" in stranger.error) == (0, True)


async def test_a_file_of_authorities_that_is_not_there_is_named(web: WebConnection, tls_server: TlsServer) -> None:
    url = f"https://iris.example.com:{tls_server.port}/"
    answer = await web.get(url, connect="127.0.0.1", ca="/no/such/ca.pem")
    assert answer.status == 0
    assert "/no/such/ca.pem" in answer.error
    assert "tls.ca" in answer.error
    with pytest.raises(Unreadable, match=r"/no/such/ca\.pem"):
        await web.tls("iris.example.com", connect="127.0.0.1", port=tls_server.port, ca="/no/such/ca.pem")
