"""The scripted failures of a real host, each made with the real thing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from iris_migrate.rehearsal.systemd import network

FAULTS = ("ssh-drop", "host-key-changed", "max-sessions", "package-mirror-down", "apt-lock")
_LOCK = (
    "import fcntl, time; f = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(1e6)"
)
_LIMIT = "etc/ssh/sshd_config.d/10-rehearsal.conf"


class Troubles:
    """Begins and mends the failures of one host. `inside` runs a command in it."""

    def __init__(self, inside: Callable[..., subprocess.CompletedProcess[bytes]], folder: Path, number: int) -> None:
        self._inside, self._disk, self._number = inside, folder / "disk", number
        self._keys = folder / "keys"

    def begin(self, name: str, **options: object) -> None:
        match name:
            case "ssh-drop":  # now: whoever is connected is cut off; what they started goes on or ends as it does there
                self._inside("pkill", "-KILL", "-f", "^sshd: [a-z]+(@|$| )")
            case "host-key-changed":
                self._keys.mkdir(mode=0o700, exist_ok=True)
                for path in (self._disk / "etc/ssh").glob("ssh_host_*"):
                    shutil.move(path, self._keys / path.name)
                self._inside("ssh-keygen", "-A")
                self._inside("systemctl", "restart", "ssh.service")
                self.begin("ssh-drop")
            case "max-sessions":
                (self._disk / _LIMIT).write_text(f"MaxSessions {options.get('sessions', 1)}\n")
                self._inside("systemctl", "reload", "ssh.service")
                self.begin("ssh-drop")
            case "package-mirror-down":
                network.cut_way_out(self._number)
            case "apt-lock":
                self._inside("systemd-run", "--quiet", "--unit=rehearsal-apt-lock", "/usr/bin/python3", "-c", _LOCK)
            case _:
                raise ValueError(f"a real host does not know the fault {name!r}; it knows {', '.join(FAULTS)}")

    def mend(self, name: str) -> None:
        match name:
            case "host-key-changed":
                for path in list(self._keys.glob("ssh_host_*")):
                    shutil.move(path, self._disk / "etc/ssh" / path.name)
                self._inside("systemctl", "restart", "ssh.service")
            case "max-sessions":
                (self._disk / _LIMIT).unlink(missing_ok=True)
                self._inside("systemctl", "reload", "ssh.service")
            case "package-mirror-down":
                network.restore_way_out(self._number)
            case "apt-lock":
                self._inside("systemctl", "stop", "rehearsal-apt-lock.service")
