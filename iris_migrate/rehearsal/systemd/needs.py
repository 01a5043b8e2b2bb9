"""What this machine must have for a real host, and what of it is missing, in words that say how to get it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from iris_migrate.rehearsal.systemd import cgroups

# Program -> the Debian package that brings it.
PROGRAMS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "ip": "iproute2",
    "iptables": "iptables",
    "pebble": "pebble",
    "ssh-keygen": "openssh-client",
    "apt-get": "apt",
}
_TRIALS = {
    "make namespaces": ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "true"],
    "translate addresses": ["iptables", "-w", "-t", "nat", "-S", "POSTROUTING"],
}
_PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class NotHere(Exception):
    """A real host cannot be had on this machine; the message says what is missing."""


def program(name: str) -> str:
    """The full path of a program; root's folders count also when the PATH leaves them out."""
    found = shutil.which(name) or shutil.which(name, path=_PLACES)
    if found is None:
        raise NotHere(f"The program {name} is missing: apt-get install {PROGRAMS.get(name, name)}")
    return found


def missing() -> list[str]:
    """One sentence for each thing that is missing; empty when a real host can be had."""
    if not sys.platform.startswith("linux"):
        return ["A real host needs Linux. Try a virtual machine."]
    said = []
    if os.geteuid() != 0:
        said.append("It takes root: it makes a network namespace and boots a system. Start it with sudo.")
    packages = [
        package for name, package in PROGRAMS.items() if not (shutil.which(name) or shutil.which(name, path=_PLACES))
    ]
    if "apt" in packages:
        said.append(
            "This machine has no apt, from whose configuration the host's mirror is taken: it takes Debian or Ubuntu."
        )
    elif packages:
        said.append(f"Packages are missing: sudo apt-get install {' '.join(sorted(packages))}")
    return said or _refused()


def _refused() -> list[str]:
    """What root may not do here, as in many containers: tried, since no list of rights tells."""
    said = []
    for what, trial in _TRIALS.items():
        done = subprocess.run([program(trial[0]), *trial[1:]], capture_output=True, text=True, check=False)
        if done.returncode:
            said.append(f"Root may not {what} on this machine: {_last(done.stderr)}. A container needs more rights.")
    if not cgroups.can_be_made():
        said.append("Root may not make control groups on this machine. A container needs more rights.")
    return said


def _last(text: str) -> str:
    return text.strip().rpartition("\n")[2][:200].rstrip(".")
