"""A real OpenSSH server as an ordinary process of ours, in a temporary folder on a loopback port."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@contextlib.contextmanager
def privilege_folder() -> Iterator[None]:
    """The folder into which root's sshd puts its unprivileged half; it goes again when it was not there."""
    folder = Path("/run/sshd")
    made = os.geteuid() == 0 and not folder.exists()
    if made:
        folder.mkdir()
    yield
    if made:
        folder.rmdir()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Sshd:
    """Started in `folder`; `host_key` is its public key file. Stop it."""

    def __init__(self, folder: Path, *, options: Mapping[str, str] | None = None, path: str = "") -> None:
        assert SSHD is not None
        self.folder, self.port, self.user = folder, free_port(), getpass.getuser()
        self.key, self.host_key = folder / "login", folder / "host"
        for key in (self.key, self.host_key):
            if not key.exists():
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        settings = {
            "Port": str(self.port), "ListenAddress": "127.0.0.1", "HostKey": str(self.host_key), "UsePAM": "no",
            "AuthorizedKeysFile": str(self.key) + ".pub", "StrictModes": "no", "PidFile": "none",
            "PasswordAuthentication": "no", "Subsystem": "sftp internal-sftp", **(options or {}),
        }  # fmt: skip
        if path:
            settings["SetEnv"] = f"PATH={path}"
        config = folder / "sshd_config"
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        self.log = (folder / "sshd.log").open("ab")
        self.process = subprocess.Popen([SSHD, "-f", config, "-D", "-e"], stderr=self.log, stdin=subprocess.DEVNULL)
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise AssertionError((self.folder / "sshd.log").read_text())

    def fingerprint(self) -> str:
        said = subprocess.run(["ssh-keygen", "-lf", self.host_key], capture_output=True, text=True, check=True).stdout
        return said.split()[1]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.log.close()
