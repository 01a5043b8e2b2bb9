"""Where the key of an archive comes from: the environment, a file, or this machine's state folder, where it is made."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from iris_migrate.engine.sealing import Key
from iris_migrate.target import Unreadable

VARIABLE = "IRIS_ARCHIVE_KEY"
FOLDER = "archive-keys"  # in the state folder: never in an archive


class ArchiveKeys:
    """Keys by id. `made` hears of a new one, once: a person has to keep it elsewhere."""

    def __init__(self, state: Path, environment: Mapping[str, str], made: Callable[[Key, Path], None]) -> None:
        self._folder, self._environment, self._made = state / FOLDER, environment, made
        self._fresh: Key | None = None

    def __call__(self, wanted: str) -> Key:
        """The key with this id; for a new archive (no id) the one given, else a new one. Raises Unreadable."""
        given = self._environment.get(VARIABLE)
        if given and (not wanted or Key.of(given).id == wanted):
            return Key.of(given)
        if not wanted:
            if self._fresh is None:
                self._fresh = self._make()
            return self._fresh
        try:
            return Key.of((self._folder / wanted).read_text())
        except OSError:
            raise Unreadable(
                f"the key {wanted} of this archive is not on this machine: give it in the environment variable"
                f" {VARIABLE}. It was shown when the archive was made."
            ) from None

    def _make(self) -> Key:
        key = Key.new()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / key.id
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key.text + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._made(key, path)
        return key
