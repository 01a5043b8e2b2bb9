"""Encryption of an archive's files: AES-256-GCM in pieces, each bound to its file and its place in it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from iris_migrate.target import Unreadable

_MAGIC = b"IRISARC1"
_NONCE = 8  # bytes of a file's own; four more count the pieces
PIECE = 1024 * 1024
_TAG = 16


class Key:
    """The key of an archive. `text` is what a person keeps; `id` names it without telling it."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != 32:
            raise Unreadable("the archive key has another length; it is 43 characters, as it was shown")
        self.raw = raw

    @property
    def text(self) -> str:
        return base64.urlsafe_b64encode(self.raw).decode().rstrip("=")

    @property
    def id(self) -> str:
        return hashlib.sha256(b"iris-migrate archive key" + self.raw).hexdigest()[:16]

    @classmethod
    def of(cls, text: str) -> Key:
        """The key that a person kept. Raises Unreadable."""
        try:
            return cls(base64.urlsafe_b64decode(text.strip() + "="))
        except (binascii.Error, ValueError) as error:
            raise Unreadable("this is not an archive key; it is 43 characters, as it was shown") from error

    @classmethod
    def new(cls) -> Key:
        return cls(secrets.token_bytes(32))


class Sealer:
    """Writes one encrypted file, piece after piece. `name` is what it is called in the archive."""

    def __init__(self, file: IO[bytes], key: Key, name: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._file, self._name, self._cipher = file, name.encode(), AESGCM(key.raw)
        self._nonce, self._rest, self._count = os.urandom(_NONCE), b"", 0
        file.write(_MAGIC + self._nonce)

    def write(self, data: bytes) -> None:
        self._rest += data
        while len(self._rest) > PIECE:  # the last piece is marked, so one is kept back
            self._piece(self._rest[:PIECE], last=False)
            self._rest = self._rest[PIECE:]

    def end(self) -> None:
        self._piece(self._rest, last=True)

    def _piece(self, data: bytes, *, last: bool) -> None:
        nonce = self._nonce + self._count.to_bytes(4, "big")
        self._file.write(self._cipher.encrypt(nonce, data, _bound(self._name, last)))
        self._count += 1


def opened(path: Path, key: Key, name: str, first: int = 0) -> Iterator[bytes]:
    """The content of an encrypted file, from its piece of this number on (each holds PIECE bytes).

    Raises Unreadable when it is damaged, cut short or of another key.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher = AESGCM(key.raw)
    with path.open("rb") as file:
        head = file.read(len(_MAGIC) + _NONCE)
        if head[: len(_MAGIC)] != _MAGIC:
            raise Unreadable(f"{path} is not a file of an archive")
        nonce, count = head[len(_MAGIC) :], first
        file.seek(first * (PIECE + _TAG), os.SEEK_CUR)
        piece = file.read(PIECE + _TAG)
        while True:
            following = file.read(PIECE + _TAG)
            try:
                yield cipher.decrypt(nonce + count.to_bytes(4, "big"), piece, _bound(name.encode(), not following))
            except InvalidTag as error:
                raise Unreadable(f"{path} is damaged, or another key was used for it") from error
            if not following:
                return
            piece, count = following, count + 1


def part(path: Path, key: Key, name: str, start: int, length: int) -> bytes:
    """Some bytes of the content, without reading what stands before them: a layer is sent in many parts.

    Raises Unreadable.
    """
    first, found = start // PIECE, bytearray()
    try:
        for piece in opened(path, key, name, first):
            found += piece
            if len(found) >= start - first * PIECE + length:
                break
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
    begin = start - first * PIECE
    return bytes(found[begin : begin + length])


def _bound(name: bytes, last: bool) -> bytes:
    return name + (b"\0last" if last else b"\0")
