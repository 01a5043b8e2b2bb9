"""Where things of the old side and of the host are kept on this machine: a folder with a digest of everything in it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_migrate.changes import Save
from iris_migrate.target import Unreadable

if TYPE_CHECKING:
    from iris_migrate.connections.host.connection import HostConnection


class Archive:
    """A folder of the operator's, 0700, files 0600. A file appears under its name only when it is whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser()

    async def save(self, change: Save, host: HostConnection | None) -> dict[str, Any]:
        """Stream the source into the folder. Answers `path`, `sha256`, `bytes`. Raises Unreadable."""
        target = self._folder / change.name
        if host is None or "host" not in change.source:
            raise Unreadable(f"{change.name}: only files of the host can be saved so far")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = target.with_name(target.name + ".part")
        sha, size = hashlib.sha256(), 0
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:

            def sink(data: bytes) -> None:
                nonlocal size
                file.write(data)
                sha.update(data)
                size += len(data)

            await host.fetch(str(change.source["host"]), sink, root=True)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        return {"path": str(target), "sha256": sha.hexdigest(), "bytes": size}
