"""The host that all are measured on: a real sshd on loopback with keys of its own, and a folder with planted faults."""

from __future__ import annotations

import base64
import getpass
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
MaxStartups 100
SetEnv HOME={folder}/home
"""


@dataclass(frozen=True)
class Host:
    """Where it is, who logs in with which key, and the folder with what is looked at."""

    port: int
    user: str
    key: Path
    fingerprint: str
    things: Path


@contextmanager
def running() -> Iterator[Host]:
    """The host, taken down at the end. Raises SystemExit where there is no sshd."""
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    if not Path(sshd).exists():
        raise SystemExit("there is no sshd here: install openssh-server")
    with tempfile.TemporaryDirectory(prefix="iris-peers-") as name:
        folder = Path(name)
        for key in ("host_key", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
        (folder / "home").mkdir()  # this machine's own shell profile is nobody's measure: it may cost 0.1 s a command
        port = _free()
        (folder / "config").write_text(CONFIG.format(port=port, folder=folder))
        made = _privilege_folder()
        process = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.DEVNULL)
        try:
            _wait(port)
            public = base64.b64decode((folder / "host_key.pub").read_text().split()[1])
            digest = base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")
            yield Host(port, getpass.getuser(), folder / "key", f"SHA256:{digest}", _things(folder / "things"))
        finally:
            process.terminate()
            process.wait()
            if made:
                made.rmdir()


def _things(folder: Path) -> Path:
    """Twelve folders, three with another mode; two links, one elsewhere. A package that is not there is the fifth."""
    folder.mkdir()
    for number in range(1, 13):
        place = folder / f"folder-{number}"
        place.mkdir()
        place.chmod(0o755 if number % 4 else 0o700)
    (folder / "link-1").symlink_to(folder / "folder-1")
    (folder / "link-2").symlink_to(folder / "folder-3")
    return folder


def _privilege_folder() -> Path | None:
    """sshd started by root wants its empty folder; one that was made is taken away again."""
    path = Path("/run/sshd")
    if os.getuid() or path.exists():
        return None
    path.mkdir(mode=0o755)
    return path


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit("sshd did not start")
