"""One real host: a copy of the base image that boots, moves to another address, reboots, and is made to fail."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from iris_migrate.rehearsal.systemd import cgroups, network, trust
from iris_migrate.rehearsal.systemd.claims import Claim
from iris_migrate.rehearsal.systemd.image import Image
from iris_migrate.rehearsal.systemd.needs import program
from iris_migrate.rehearsal.systemd.troubles import Troubles

log = logging.getLogger(__name__)

_BOOT, _HALT = 60.0, 30.0  # seconds
_REBOOTS = 133  # how nspawn ends when the system inside reboots and nobody manages it
_LOOK = 0.05


class HostError(Exception):
    """The host did not boot; the message holds what its console said."""


class SystemdHost:
    """A Debian system with its own init, network and disk. `start`, `stop`, `reboot` are those of an instance."""

    root = Path("/")

    def __init__(self, image: Image, folder: Path, claim: Claim, authorized_keys: Callable[[], list[str]]) -> None:
        """Copies the image into `folder`, which must not exist."""
        self.image, self.folder, self.disk, self.address = image, folder, folder / "disk", ""
        self._claim, self._keys = claim, authorized_keys
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._lock = threading.RLock()
        self._claim.note(folder=str(folder))
        folder.mkdir(mode=0o700)
        self.disk.mkdir()
        subprocess.run(["cp", "-a", "--reflink=auto", f"{image.tree}/.", str(self.disk)], check=True)
        _name_it(self.disk, network.name(claim.number))
        self.troubles = Troubles(self.inside, folder, claim.number)

    @property
    def stand_ins(self) -> list[str]:
        """What is not the real thing."""
        return []

    @property
    def fingerprints(self) -> list[str]:
        """`SHA256:… TYPE` of each SSH host key, in the order in which sshd prefers them."""
        found = []
        for kind in ("ed25519", "ecdsa", "rsa"):
            path = self.disk / f"etc/ssh/ssh_host_{kind}_key.pub"
            if path.exists():
                blob = base64.b64decode(path.read_text().split()[1])
                told = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
                found.append(f"SHA256:{told} {kind.upper()}")
        return found

    # --- the life of an instance -----------------------------------------------------------------------------------

    def start(self, address: str) -> None:
        """Boot if it is down, and be at this address; waits until SSH answers."""
        with self._lock:
            self.address = address
            network.set_address(self._claim.number, address)
            if self._process is None or self._process.poll() is not None:
                self._stopping.clear()
                self._authorize()
                self._boot()
                threading.Thread(target=self._stand_by, name="systemd-host", daemon=True).start()
        self._wait_for_ssh()

    def reboot(self) -> None:
        """As the console's reboot; waits until SSH answers again."""
        before = self.leader
        self.inside("systemctl", "--no-block", "reboot")
        deadline = time.monotonic() + _HALT + _BOOT
        while self.leader in (before, 0):
            if time.monotonic() > deadline:
                raise HostError(f"The host does not reboot: {self._console()}")
            time.sleep(_LOOK)
        self._wait_for_ssh()

    def stop(self) -> None:
        """Power off in order, and by force after a while. The disk stays."""
        with self._lock:
            self._stopping.set()
            process, self._process = self._process, None
        if process is None:
            return
        for number, patience in ((signal.SIGTERM, _HALT), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                break

    def remove(self) -> None:
        """Stop, and delete the disk."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- from outside ----------------------------------------------------------------------------------------------

    @property
    def leader(self) -> int:
        """The process id of its init on this machine; 0 while it is down."""
        process = self._process
        if process is None or process.poll() is not None:
            return 0
        try:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        except OSError:
            return 0
        return int(children[0]) if children else 0

    def inside(self, *command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command as root in the host, past SSH: for the world's own part, never the program's."""
        entering = [program("nsenter"), "--target", str(self.leader), "--all", "--"]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        return subprocess.run([*entering, *command], input=stdin, capture_output=True, check=False, env=environment)

    def fault(self, name: str, **options: object) -> None:
        self.troubles.begin(name, **options)

    def mend(self, name: str) -> None:
        self.troubles.mend(name)

    # --- booting ---------------------------------------------------------------------------------------------------

    def _authorize(self) -> None:
        """As cloud-init: the instance's keys for the login user."""
        home = self.disk / "home" / self.image.user
        folder = home / ".ssh"
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / "authorized_keys"
        file.write_text("".join(f"{key.strip()}\n" for key in self._keys()))
        file.chmod(0o600)
        owner = home.stat()
        for path in (folder, file):
            os.chown(path, owner.st_uid, owner.st_gid)

    def _boot(self) -> None:
        number = self._claim.number
        us = network.name(number)
        command = [program("systemd-nspawn"), f"--directory={self.disk}", "--boot", f"--machine={us}", "--settings=no"]
        command += ["--register=no", f"--network-namespace-path=/run/netns/{us}", "--resolv-conf=off", "--quiet"]
        command += ["--console=pipe", "--timezone=off", "--link-journal=no"]
        command += [] if cgroups.managed() else ["--keep-unit"]
        joining = "".join(f"echo $$ > {path}; " for path in cgroups.make(number))
        with (self.folder / "console").open("ab") as console:
            self._process = subprocess.Popen(
                ["sh", "-c", f'{joining}exec "$@"', "sh", *command],
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT, start_new_session=True,
                env={"PATH": os.environ.get("PATH", os.defpath)},
            )  # fmt: skip
        self._claim.note_process("nspawn", self._process.pid)

    def _stand_by(self) -> None:
        """Boot again whenever the system inside has rebooted."""
        while (process := self._process) is not None:
            status = process.wait()
            with self._lock:
                if self._stopping.is_set() or process is not self._process:
                    return
                if status != _REBOOTS:
                    log.error("the host ended by itself (%d): %s", status, self._console())
                    return
                self._boot()

    def _wait_for_ssh(self) -> None:
        deadline = time.monotonic() + _BOOT
        while True:
            with contextlib.suppress(OSError), socket.create_connection((self.address, 22), 1) as probe:
                probe.settimeout(5)
                if probe.recv(4) == b"SSH-":
                    return
            if time.monotonic() > deadline:
                raise HostError(f"The host does not answer over SSH within {_BOOT:.0f} s: {self._console()}")
            time.sleep(_LOOK)

    def _console(self) -> str:
        try:
            return (self.folder / "console").read_text(errors="replace")[-800:]
        except OSError:
            return ""


def _name_it(disk: Path, name: str) -> None:
    """What a first boot makes: names and SSH host keys of its own."""
    (disk / "etc/hostname").write_text(f"{name}\n")
    (disk / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost\n")
    resolv = disk / "etc/resolv.conf"
    resolv.unlink(missing_ok=True)
    resolv.write_text(trust.name_servers())
    subprocess.run([program("ssh-keygen"), "-A", "-f", str(disk)], check=True, capture_output=True)
