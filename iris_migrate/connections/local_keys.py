"""SSH keys of the workstation: made here, never overwritten, never shown."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from iris_migrate.target import Unreadable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes


def make_key(path: str, comment: str) -> str:
    """An Ed25519 key pair at `path` and `path`.pub, in OpenSSH's format; the public line.

    A key that is there already is used: its mode becomes 0600 and a missing public half is written.
    """
    place = Path(path).expanduser()
    try:
        if not place.exists():
            _make(place, comment)
        place.chmod(0o600)
        line = _public_line(place, comment)
        public = place.with_name(f"{place.name}.pub")
        if not public.exists():
            _put(public, f"{line}\n".encode(), 0o644)
        return line
    except OSError as error:
        raise Unreadable(f"the key {path} cannot be used: {error.strerror}") from error


def _make(place: Path, comment: str) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    private = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    _put(place, private, 0o600)


def _public_line(place: Path, comment: str) -> str:
    """From the private half; a key with a passphrase tells it by its public half only."""
    from cryptography.hazmat.primitives import serialization

    public = place.with_name(f"{place.name}.pub")
    data = place.read_bytes()
    load = serialization.load_ssh_private_key if b"OPENSSH" in data[:40] else serialization.load_pem_private_key
    try:
        key: PublicKeyTypes = load(data, password=None).public_key()
    except (TypeError, ValueError) as error:
        encrypted = isinstance(error, TypeError) or "password" in str(error).lower()
        if encrypted and public.exists():
            return public.read_text().strip()
        if encrypted:
            told = f"{place} has a passphrase and no {public.name} beside it: ssh-keygen -y -f {place} > {public}"
            raise Unreadable(told) from error
        raise Unreadable(f"{place} is no private key: name another with ssh.key") from error
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    return f"{line} {comment}".strip()


def _put(place: Path, data: bytes, mode: int) -> None:
    """A new file, whole from its first moment; a file that appeared meanwhile is left as it is."""
    handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.link(temporary, place)
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink(missing_ok=True)
