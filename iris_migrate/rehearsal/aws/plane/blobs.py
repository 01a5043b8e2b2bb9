"""The bytes of image layers, which moto forgets once it has their digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

_Place = tuple[str, str, str, str]  # account, region, repository, digest


@dataclass(slots=True)
class Blobs:
    _kept: dict[_Place, bytes] = field(default_factory=dict)

    def keep(self, account: str, region: str, repository: str, blob: bytes) -> str:
        """Its digest."""
        digest = "sha256:" + hashlib.sha256(blob).hexdigest()
        self._kept[account, region, repository, digest] = blob
        return digest

    def get(self, account: str, region: str, repository: str, digest: str) -> bytes | None:
        return self._kept.get((account, region, repository, digest))

    def forget(self, account: str, region: str, repository: str) -> None:
        """A repository was deleted."""
        for place in [place for place in self._kept if place[:3] == (account, region, repository)]:
            del self._kept[place]
