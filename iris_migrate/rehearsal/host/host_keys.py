"""The practice host's SSH keys and their fingerprints."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def _private() -> str:
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        .decode()
    )  # fmt: skip


def fresh() -> paramiko.PKey:
    """A new Ed25519 key, kept nowhere."""
    return paramiko.Ed25519Key.from_private_key(io.StringIO(_private()))


def kept(path: Path) -> paramiko.PKey:
    """The key in a file, made at first."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(_private())
    return paramiko.Ed25519Key.from_private_key_file(str(path))


def fingerprint(key: paramiko.PKey) -> str:
    """As `ssh-keygen -l` writes it: `SHA256:… (ED25519)`."""
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    return f"SHA256:{digest} (ED25519)"
