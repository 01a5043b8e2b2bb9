"""Secrets: read from their sources when they are sent, remembered for this process, hidden from every line."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from iris_migrate.language.checklist import SecretSource
from iris_migrate.values import Secret

_SHORTEST_HIDDEN = 4  # hiding shorter values would blank out ordinary words


class SecretMissing(Exception):
    """A secret has no value here; the message says where it is looked for."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class Secrets:
    """Values by name. A prompted value is given with `set`; nothing is ever written."""

    def __init__(self, sources: Mapping[str, SecretSource], environment: Mapping[str, str] | None = None) -> None:
        self._sources = sources
        self._environment = os.environ if environment is None else environment
        self._values: dict[str, str] = {}
        self._hidden: list[tuple[str, str]] = []  # what stands in no line, with what stands there instead

    def set(self, name: str, value: str) -> None:
        self._keep(name, value)

    def missing(self) -> list[str]:
        """The names that have no value yet."""
        return [name for name in self._sources if not self._known(name)]

    def value(self, name: str) -> str:
        """The value. Raises SecretMissing with where to put it."""
        if name not in self._values:
            self._keep(name, self._read(name))
        return self._values[name]

    def fill(self, secret: Secret) -> str:
        """What a Secret in a Change stands for. Raises SecretMissing."""
        try:
            return secret.pick(self.value(secret.name))
        except IndexError:
            raise SecretMissing(secret.name, f"The secret {secret.name} has fewer than {secret.item} items.") from None

    def hide(self, line: str) -> str:
        """The line with every known value replaced by its name."""
        for piece, instead in self._hidden:
            if piece in line:
                line = line.replace(piece, instead)
        return line

    def _keep(self, name: str, value: str) -> None:
        """Remember a value, and what of it is to be hidden: the longest first, so that none is left in pieces."""
        self._values[name] = value
        pieces = {
            piece: f"‹secret {known}›"
            for known, held in self._values.items() for piece in (held, *held.split(","))
            if len(piece) >= _SHORTEST_HIDDEN
        }  # fmt: skip
        self._hidden = sorted(pieces.items(), key=lambda one: -len(one[0]))

    def _known(self, name: str) -> bool:
        try:
            self.value(name)
        except SecretMissing:
            return False
        return True

    def _read(self, name: str) -> str:
        source = self._sources.get(name)
        if source is None:
            raise SecretMissing(name, f"The secret {name} is declared nowhere in the checklist's settings.")
        if source.how == "env":
            if value := self._environment.get(source.where):
                return value
            raise SecretMissing(name, f"Set the environment variable {source.where}: the secret {name} is read there.")
        if source.how == "file":
            return _read_file(name, Path(source.where).expanduser())
        raise SecretMissing(name, f"The secret {name} has to be typed: {source.where}")


def _read_file(name: str, path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise SecretMissing(name, f"{path} can be read by others (mode {mode:04o}). Run: chmod 600 {path}")
        value = path.read_text().strip("\n")
    except OSError as error:
        raise SecretMissing(
            name, f"{path} cannot be read ({error.strerror}): the secret {name} is expected there."
        ) from error
    if not value:
        raise SecretMissing(name, f"{path} is empty: the secret {name} is expected there.")
    return value
