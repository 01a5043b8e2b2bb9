"""The one practice host of a world: what an instance runs on, and again the next one when that is gone."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from iris_migrate.rehearsal.aws.instances import Machine

if TYPE_CHECKING:
    from iris_migrate.rehearsal.host.server import Ports, PracticeHost

USER = "ubuntu"  # the login user of the profile `practice`


class HostPlace:
    """A place for one host at a time: its folder is `host.root` of the settings, its ports are the settings' too."""

    def __init__(self, folder: Path, ports: Ports, acme: str, in_use: Callable[[str], bool]) -> None:
        self.folder, self._ports, self._acme, self._in_use = folder, ports, acme, in_use
        self._instance = ""
        self._keys: Callable[[], list[str]] = list
        self._lock = threading.Lock()
        self.host: PracticeHost = self._new()

    def _new(self) -> PracticeHost:
        from iris_migrate.rehearsal.host.server import PracticeHost

        return PracticeHost(
            self.folder,
            ports=self._ports,
            user=USER,
            authorized_keys=self._authorized,
            acme=self._acme,
        )

    def _authorized(self) -> list[str]:
        """The keys of whatever instance has the host now."""
        return self._keys()

    def take(self, instance: str, authorized_keys: Callable[[], list[str]]) -> Machine | None:
        """The host for a new instance; None while another instance has it. A second instance gets a fresh disk."""
        with self._lock:
            if self._instance and self._in_use(self._instance):
                return None
            if self._instance:
                self.host.stop()
                shutil.rmtree(self.folder, ignore_errors=True)
                self.host = self._new()
            self._instance, self._keys = instance, authorized_keys
            return self.host

    def end(self) -> None:
        with contextlib.suppress(Exception):
            self.host.stop()
