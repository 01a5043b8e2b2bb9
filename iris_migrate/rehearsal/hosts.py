"""The one host of a world: what an instance runs on, and again the next one when that is gone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from iris_migrate.rehearsal.aws.instances import Machine

AuthorizedKeys = Callable[[], list[str]]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the host answers."""

    ssh: int
    http: int
    https: int
    app: int


class Host(Machine, Protocol):
    """What a world wants of a host beyond what an instance does."""

    @property
    def root(self) -> Path:
        """What `host.root` has to be for it."""
        ...

    @property
    def address(self) -> str: ...

    @property
    def stand_ins(self) -> list[str]: ...

    def fault(self, name: str, **options: Any) -> None: ...

    def mend(self, name: str) -> None: ...

    def remove(self) -> None:
        """Stop it and delete its disk."""
        ...


class HostPlace:
    """A place for one host at a time, made by `new` from a source of the keys that may log in."""

    def __init__(self, new: Callable[[AuthorizedKeys], Host], in_use: Callable[[str], bool]) -> None:
        self._make, self._in_use = new, in_use
        self._instance = ""
        self._keys: AuthorizedKeys = list
        self._lock = threading.Lock()
        self.host: Host = self._make(self._authorized)

    def _authorized(self) -> list[str]:
        """The keys of whatever instance has the host now."""
        return self._keys()

    def take(self, instance: str, authorized_keys: AuthorizedKeys) -> Machine | None:
        """The host for a new instance; None while another instance has it. A second instance gets a fresh disk."""
        with self._lock:
            if self._instance and self._in_use(self._instance):
                return None
            if self._instance:
                self.host.remove()
                self.host = self._make(self._authorized)
            self._instance, self._keys = instance, authorized_keys
            return self.host

    def end(self) -> None:
        with contextlib.suppress(Exception):
            self.host.stop()
