"""The practice host's public face: started at an address, rebooted, stopped, and made to fail."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import paramiko

from iris_migrate.rehearsal.host import host_keys, layout
from iris_migrate.rehearsal.host.guard import Guard
from iris_migrate.rehearsal.host.machine import Machine, PracticeHostError
from iris_migrate.rehearsal.host.sftp import Sftp
from iris_migrate.rehearsal.host.ssh import SshServer
from iris_migrate.rehearsal.host.stand_ins import main
from iris_migrate.rehearsal.host.tree import Tree
from iris_migrate.rehearsal.hosts import Ports

SSH_FAULTS = ("ssh-drop", "slow", "max-sessions", "host-key-changed")
FILE_FAULTS = ("disk-full", "package-mirror-down", "apt-lock")


class PracticeHost:
    """A host in a folder. `root` is what `host.root` must be set to. Linux only.

    `acme` is the control address of the practice CA: `POST {acme}/order`. Threads and one child process; whatever
    the host has started is ended by `stop`, and by init itself when this process dies.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ports: Ports,
        user: str,
        authorized_keys: Callable[[], list[str]],
        acme: str = "",
        nginx: str = "auto",
    ) -> None:
        """`nginx`: `auto` (the machine's own where there is one), `real` or `stand-in`."""
        self.root = Path(folder).absolute()
        self.ports, self.user = ports, user
        self.tree = Tree(self.root)
        layout.build(self.tree, user=user, ports=asdict(ports), acme=acme, nginx=nginx)
        self._key = host_keys.kept(self.tree.machinery / "ssh_host_ed25519_key")
        self._shown_key = self._key
        self.fingerprints = [host_keys.fingerprint(self._key)]
        self.address = ""
        self.rebooted = threading.Event()
        self._machine = Machine(self.tree, user, self._start_again)
        guard = Guard(self.root, frozenset((*main.MODULES, *main.SCRIPTS)) - {"python3"})
        self._ssh = SshServer(
            self._machine, guard, lambda: [self._shown_key], authorized_keys, (paramiko.SFTPServer, Sftp, self.root)
        )

    @property
    def stand_ins(self) -> list[str]:
        """The programs that are not the real ones, for people."""
        real = set() if self.tree.settings()["nginx"] == "" else {"nginx"}
        return sorted({path.name for path in self.tree.stand_ins.iterdir()} - real | {"sshd", "init"})

    def start(self, address: str) -> None:
        """Boot if it is down, and answer SSH at this address; connections through an earlier address are cut."""
        self.address = address
        self._machine.start()
        self._ssh.listen(address, self.ports.ssh)

    def reboot(self) -> None:
        """As `sudo reboot`, but waits until SSH answers again."""
        self._ssh.close()
        self._machine.stop()
        self._boot()

    def _start_again(self) -> None:
        self._ssh.close()
        self._boot()
        self.rebooted.set()

    def _boot(self) -> None:
        layout.empty_volatile(self.tree)
        self._machine.start()
        if self.address:
            self._ssh.listen(self.address, self.ports.ssh)

    def stop(self) -> None:
        """Power off: nothing of the host is left running. The folder stays."""
        self._ssh.close()
        self._machine.stop()

    def remove(self) -> None:
        """Stop it and delete its folder."""
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def fault(self, name: str, **options: Any) -> None:
        """Make the host fail; see the match below for names and options. Repeating it sets it anew."""
        troubles = self._ssh.troubles
        match name:
            case (
                "ssh-drop"
            ):  # at_command=N: the Nth command from now is started, then all is cut; after_bytes=N of output
                troubles.cut_after_bytes = options.get("after_bytes")
                troubles.cut_at_command = options.get("at_command", None if "after_bytes" in options else 1)
            case "slow":  # seconds=S: SSH refuses connections for so long
                troubles.refuse_until = time.monotonic() + float(options.get("seconds", 10.0))
                self._ssh.cut_all()
            case "max-sessions":
                troubles.max_sessions = int(options.get("sessions", 1))
            case "host-key-changed":
                self._shown_key = host_keys.fresh()
                self._ssh.cut_all()
            case _ if name in FILE_FAULTS:
                path = self.tree.machinery / "faults" / name
                path.write_text(json.dumps(options))
            case _:
                known = ", ".join((*SSH_FAULTS, *FILE_FAULTS))
                raise PracticeHostError(f"the practice host knows no fault {name!r}; it knows {known}")

    def mend(self, name: str) -> None:
        """End a fault."""
        troubles = self._ssh.troubles
        match name:
            case "ssh-drop":
                troubles.cut_after_bytes = troubles.cut_at_command = None
            case "slow":
                troubles.refuse_until = 0.0
            case "max-sessions":
                troubles.max_sessions = 10
            case "host-key-changed":
                self._shown_key = self._key
            case _:
                (self.tree.machinery / "faults" / name).unlink(missing_ok=True)
