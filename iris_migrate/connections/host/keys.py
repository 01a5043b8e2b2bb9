"""Host keys: pinned per instance in a file of our own, from EC2's console output or the operator's word."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from iris_migrate.connections.host.errors import HostKeyChanged, HostKeyUnknown

__all__ = ["HostKeyChanged", "HostKeyUnknown", "KnownHosts", "Pin", "console_fingerprints", "fingerprint"]

# What cloud-init prints (cc_ssh.py), each line with a prefix of syslog or the console.
_BEGIN, _END = "-----BEGIN SSH HOST KEY FINGERPRINTS-----", "-----END SSH HOST KEY FINGERPRINTS-----"
_FINGERPRINT = re.compile(r"\bSHA256:[A-Za-z0-9+/]{43}")


@dataclass(frozen=True, slots=True)
class Pin:
    """Whose key is expected: the instance id (or address), and fingerprints that somebody vouched for."""

    instance: str
    fingerprints: tuple[str, ...] = ()


def fingerprint(blob: bytes) -> str:
    """`SHA256:…` of a public key's blob, as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def console_fingerprints(output: str) -> tuple[str, ...]:
    """The host key fingerprints in a console output. Only the last complete block counts: a reboot prints another."""
    end = output.rfind(_END)
    begin = output.rfind(_BEGIN, 0, max(end, 0))
    if begin < 0 or end < 0:
        return ()
    return tuple(dict.fromkeys(_FINGERPRINT.findall(output[begin:end])))


class KnownHosts:
    """The pinned keys: `instance type base64` a line, usable with OpenSSH's HostKeyAlias."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pinned(self, instance: str) -> dict[str, bytes]:
        """The keys pinned for an instance: type to blob."""
        try:
            lines = self._path.read_text().splitlines()
        except FileNotFoundError:
            return {}
        found: dict[str, bytes] = {}
        for line in lines:
            name, _, rest = line.partition(" ")
            kind, _, key = rest.partition(" ")
            if name == instance and key:
                found[kind] = base64.b64decode(key)
        return found

    def check(self, pin: Pin, kind: str, blob: bytes) -> None:
        """Accept the key or raise. A key that a fingerprint vouches for is pinned. Nothing is added otherwise."""
        seen = fingerprint(blob)
        pinned = self.pinned(pin.instance)
        if pinned:
            if blob not in pinned.values():
                raise HostKeyChanged(pin.instance, tuple(fingerprint(known) for known in pinned.values()), seen)
            return
        if not pin.fingerprints:
            raise HostKeyUnknown(pin.instance, seen)
        if seen not in {told.partition(" ")[0] for told in pin.fingerprints}:
            raise HostKeyChanged(pin.instance, pin.fingerprints, seen)
        self._add(pin.instance, kind, blob)

    def _add(self, instance: str, kind: str, blob: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        line = f"{instance} {kind} {base64.b64encode(blob).decode()}\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(line)
