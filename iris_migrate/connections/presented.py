"""The certificate that a server presents, and whether it is trusted."""

from __future__ import annotations

import socket
import ssl

from iris_migrate.redact import clean
from iris_migrate.target import Tls

_SECONDS = 10.0


def presented(name: str, address: str, port: int, trusting: ssl.SSLContext) -> Tls:
    """Ask `address` for the certificate of `name`. One that is not trusted is fetched once more to be shown."""
    try:
        return _read(_fetch(name, address, port, trusting), "")
    except ssl.SSLCertVerificationError as error:
        why = clean(error.verify_message or str(error))
    except OSError as error:
        return _nothing(f"{address}:{port}: {error.strerror or clean(str(error)) or type(error).__name__}")
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE  # to look at it only; `trusted` is already decided
    try:
        return _read(_fetch(name, address, port, anybody), why)
    except OSError as error:
        return _nothing(f"{why}; and it cannot be shown: {clean(str(error))}")


def _fetch(name: str, address: str, port: int, context: ssl.SSLContext) -> bytes:
    with (
        socket.create_connection((address.strip("[]"), port), timeout=_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""


def _read(der: bytes, error: str) -> Tls:
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(der)
    return Tls(
        subject=clean(certificate.subject.rfc4514_string()),
        issuer=clean(certificate.issuer.rfc4514_string()),
        names=_names(certificate),
        not_before=certificate.not_valid_before_utc.timestamp(),
        not_after=certificate.not_valid_after_utc.timestamp(),
        serial=format(certificate.serial_number, "x"),
        trusted=not error,
        error=error,
    )


def _names(certificate: object) -> tuple[str, ...]:
    from cryptography import x509

    assert isinstance(certificate, x509.Certificate)
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    names = [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]
    return tuple(clean(name) for name in names)


def _nothing(error: str) -> Tls:
    return Tls("", "", (), 0.0, 0.0, "", False, error)
