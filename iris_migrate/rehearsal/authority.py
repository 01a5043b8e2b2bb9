"""The practice certificate authority: issues for a name after fetching its HTTP-01 challenge from the public port."""

from __future__ import annotations

import datetime
import http.client
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from iris_migrate.rehearsal.clock import PracticeClock
from iris_migrate.rehearsal.control import ControlError

DAYS = 90
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
_NOT_YET = datetime.timedelta(hours=1)


@dataclass(slots=True)
class Authority:
    """A root and an intermediate. `resolve` gives the address of a name; `port` is where HTTP answers there."""

    resolve: Callable[[str], str | None]
    port: int
    clock: PracticeClock
    name: str = "Practice"
    _root_key: ec.EllipticCurvePrivateKey = field(init=False)
    _root: x509.Certificate = field(init=False)
    _key: ec.EllipticCurvePrivateKey = field(init=False)
    _intermediate: x509.Certificate = field(init=False)
    _orders: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._root_key, self._key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root, intermediate = _name(f"{self.name} Root"), _name(f"{self.name} Authority P1")
        self._root = self._authority(root, root, self._root_key, path_length=1)
        self._intermediate = self._authority(intermediate, root, self._key, path_length=0)

    @property
    def root_pem(self) -> str:
        return _pem(self._root)

    def shown(self, _: Mapping[str, Any] | None = None) -> dict[str, Any]:
        with self._lock:
            issued = sum(order["outcome"] == "issued" for order in self._orders)
            return {"orders": len(self._orders), "issued": issued, "last": list(self._orders[-5:])}

    def directory(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"order": "order", "meta": {"stand-in": "one call in place of the ACME protocol; HTTP-01 is real"}}

    def order(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`{domain, token, keyauth, csr}` (csr in PEM) -> `{certificate, chain, fullchain, serial}` in PEM.

        Raises ControlError when the challenge is not answered, as a CA's `unauthorized`.
        """
        domain, token = str(body.get("domain", "")), str(body.get("token", ""))
        try:
            if not _TOKEN.fullmatch(token):
                raise ControlError("malformed: the token is 16 to 128 characters of A-Z a-z 0-9 _ -")
            request = _read_request(str(body.get("csr", "")), domain)
            self._challenge(domain, token, str(body.get("keyauth", "")))
        except ControlError as error:
            self._keep(domain, str(error))
            raise
        certificate = self._issue(request, domain)
        self._keep(domain, "issued", format(certificate.serial_number, "x"))
        leaf, chain = _pem(certificate), _pem(self._intermediate)
        serial = format(certificate.serial_number, "x")
        return {"certificate": leaf, "chain": chain, "fullchain": leaf + chain, "serial": serial}

    def certify(self, name: str) -> tuple[str, str]:
        """A server's certificate chain and key in PEM, for a public name of the world itself: nothing is challenged."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
        request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return _pem(self._issue(request, name)) + _pem(self._intermediate), private.decode()

    def _challenge(self, domain: str, token: str, expected: str) -> None:
        address = self.resolve(domain)
        if address is None:
            raise ControlError(f"dns: NXDOMAIN looking up A for {domain}")
        path = f"/.well-known/acme-challenge/{token}"
        where = f"http://{domain}{path} ({address}, port {self.port})"
        connection = http.client.HTTPConnection(address, self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"Host": domain, "User-Agent": "practice-authority/1"})
            response = connection.getresponse()
            said = response.read(4096).decode("utf-8", "replace").strip()
        except (OSError, http.client.HTTPException) as error:
            raise ControlError(f"connection: fetching {where}: {error}") from error
        finally:
            connection.close()
        if response.status != 200:
            raise ControlError(f"unauthorized: invalid response from {where}: {response.status}")
        if said != expected or not expected:
            raise ControlError(f"unauthorized: {where} does not answer with the key authorization")

    def _issue(self, request: x509.CertificateSigningRequest, domain: str) -> x509.Certificate:
        now = datetime.datetime.fromtimestamp(self.clock.now(), datetime.UTC)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain[:64])]))
            .issuer_name(self._intermediate.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            # Peers compare with the machine's clock, however far the world's was moved forward.
            .not_valid_before(now - _NOT_YET - datetime.timedelta(seconds=self.clock.offset))
            .not_valid_after(now + datetime.timedelta(days=DAYS))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(request.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _authority(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, path_length: int
    ) -> x509.Certificate:
        now = datetime.datetime.fromtimestamp(self.clock.now(), datetime.UTC)
        signs = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        root = self._root_key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _NOT_YET)
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
            .add_extension(signs, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root), critical=False)
            .sign(self._root_key, hashes.SHA256())
        )

    def _keep(self, domain: str, outcome: str, serial: str = "") -> None:
        with self._lock:
            self._orders.append({"at": self.clock.now(), "domain": domain, "outcome": outcome, "serial": serial})


def _read_request(pem: str, domain: str) -> x509.CertificateSigningRequest:
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if not request.is_signature_valid:
            raise ControlError("badCSR: its signature is wrong")
    except (ValueError, InvalidSignature, x509.ExtensionNotFound) as error:
        raise ControlError(f"badCSR: no request in PEM with subjectAltName: {error}") from error
    if names.get_values_for_type(x509.DNSName) != [domain]:
        raise ControlError(f"badCSR: the request is not for {domain} alone")
    return request


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Rehearsal"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
