"""Lays out a practice host's folder: Debian's places, users, units, and the stand-ins on its PATH."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from iris_migrate.rehearsal.host.machine import PracticeHostError
from iris_migrate.rehearsal.host.stand_ins import accounts, main, ownership, packages
from iris_migrate.rehearsal.host.tree import Tree, passed_on

FOLDERS = (
    "etc/systemd/system/multi-user.target.wants", "etc/systemd/system/timers.target.wants", "etc/logrotate.d",
    "etc/apt", "etc/ssh/sshd_config.d",
    "lib/systemd/system", "home", "root", "opt", "srv", "run", "run/lock", "usr/local/bin", "usr/share",
    "var/log/journal",
    "var/lib/dpkg", "var/lib/apt/lists", "var/cache/apt", "var/backups", "var/tmp", ".practice/faults", ".practice/bin",
)  # fmt: skip
OS_RELEASE = """\
PRETTY_NAME="Practice host 1"
NAME="Practice host"
VERSION_ID="1"
VERSION="1"
ID=practice
ID_LIKE=debian
"""
# As Ubuntu's image has it: passwords off in a file of cloud-init, root by key alone.
SSHD = "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\nX11Forwarding yes\nPrintMotd no\n"
SSHD_CLOUD = "PasswordAuthentication no\n"
# Programs of the system that are what they are on a real host: they read, or write only where they are told.
SYSTEM_PROGRAMS = """
[ arch awk b2sum base32 base64 basename bash bunzip2 bzcat bzip2 cat chmod cksum clear cmp comm cp csplit cut dash
date dd diff diff3 dir dirname du echo egrep env expand expr factor false fgrep file find flock fmt fold free gawk
getconf gpg grep gunzip gzip head hostid hostname iconv ionice join kill link ln locale logname look ls lsb_release
lsblk lscpu lslocks lsns lsof md5sum mawk mkdir mkfifo mktemp more less mountpoint mv namei nice nl nohup nproc
numfmt od openssl paste patch pathchk perl pgrep pr printenv printf prlimit ps ptx pwd pwdx readlink realpath renice
rev rm rmdir script sdiff sed seq setsid sh sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf sleep sort
split ssh-keygen ssh-keyscan stdbuf stty sum tac tail tar taskset tee test time timeout touch tput tr true truncate
tsort tty uname unexpand uniq unlink unxz unzip uptime users uuidgen vdir vmstat watch wc which who xargs xz xzcat yes
zcat zgrep zip zstd zstdcat findmnt infocmp line
"""


def _unit(says: str, rest: str = "", wanted_by: str = "") -> str:
    install = f"[Install]\nWantedBy={wanted_by}\n" if wanted_by else ""
    return f"[Unit]\nDescription={says}\n{rest}{install}"


_RUNS = "[Service]\nX-Practice=always\n"
BASE_UNITS = {
    "ssh.service": _unit("OpenBSD Secure Shell server", _RUNS, "multi-user.target"),
    "cron.service": _unit("Regular background program processing daemon", _RUNS, "multi-user.target"),
    "systemd-journald.service": _unit("Journal Service", _RUNS),
    "systemd-timesyncd.service": _unit("Network Time Synchronization", _RUNS, "sysinit.target"),
    "multi-user.target": _unit("Multi-User System"),
    "timers.target": _unit("Timer Units"),
    "network.target": _unit("Network"),
    "network-online.target": _unit("Network is Online"),
    "apt-daily.timer": _unit("Daily apt download", "[Timer]\nOnCalendar=*-*-* 6,18:00\n", "timers.target"),
    "apt-daily-upgrade.timer": _unit("Daily apt upgrade", "[Timer]\nOnCalendar=*-*-* 6:00\n", "timers.target"),
}


def build(tree: Tree, *, user: str, ports: dict[str, int], acme: str, nginx: str) -> None:
    """Make what is missing; a host that exists keeps its files. Raises PracticeHostError where it cannot work."""
    if not sys.platform.startswith("linux"):
        raise PracticeHostError("the practice host needs Linux; rehearse on a Linux machine or in a Linux container")
    if " " in str(tree.root) or ":" in str(tree.root):
        raise PracticeHostError(
            f"the practice host's folder {tree.root} may hold neither a space nor a colon: choose another one"
        )
    for folder in FOLDERS:
        (tree.root / folder).mkdir(parents=True, exist_ok=True)
    tree.machinery.chmod(0o700)  # pip's settings may hold a password of its index
    ownership.check(str(tree.root), PracticeHostError)
    new = not tree.passwd.exists()
    _settings(tree, user=user, ports=ports, acme=acme, nginx=nginx)
    if new:
        (tree.root / "etc/os-release").write_text(OS_RELEASE)
        (tree.root / "etc/hostname").write_text("practice\n")
        (tree.root / "etc/ssh/sshd_config").write_text(SSHD)
        (tree.root / "etc/ssh/sshd_config.d/60-cloudimg-settings.conf").write_text(SSHD_CLOUD)
        accounts.first(str(tree.root), user)
        for name, text in BASE_UNITS.items():
            (tree.root / "lib/systemd/system" / name).write_text(text)
        for name in ("ssh.service", "cron.service", "systemd-journald.service"):
            _enable(tree, name, "multi-user.target")
        for name in ("apt-daily.timer", "apt-daily-upgrade.timer"):
            _enable(tree, name, "timers.target")
    _programs(tree)
    for name in main.BASE:
        install_stand_in(tree, name)
    packages.first(str(tree.root))
    empty_volatile(tree)


def _settings(tree: Tree, *, user: str, ports: dict[str, int], acme: str, nginx: str) -> None:
    real = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin") or ""
    if nginx == "real" and not real:
        raise PracticeHostError("there is no nginx on this machine; leave the choice to `auto`, or install nginx")
    settings: dict[str, Any] = {
        "user": user, "ports": ports, "acme": acme, "python": sys.executable,
        "base_python": getattr(sys, "_base_executable", sys.executable),
        "nginx": "" if nginx == "stand-in" else real,
        "ipv6": Path("/proc/net/if_inet6").exists(), "passed_on": passed_on(os.environ),
    }  # fmt: skip
    (tree.machinery / "settings.json").write_text(json.dumps(settings, indent=1))


def _enable(tree: Tree, name: str, target: str) -> None:
    link = tree.root / "etc/systemd/system" / f"{target}.wants" / name
    if not link.is_symlink():
        link.symlink_to(tree.root / "lib/systemd/system" / name)


def _programs(tree: Tree) -> None:
    for name in SYSTEM_PROGRAMS.split():
        link_program(tree, name)


def link_program(tree: Tree, name: str) -> bool:
    """Put one of the system's own programs on the host's PATH; false when the machine has none."""
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:" + os.environ.get("PATH", ""))
    link = tree.programs / name
    if found is None:
        return False
    if not link.is_symlink():
        link.symlink_to(found)
    return True


def install_stand_in(tree: Tree, name: str) -> None:
    """Put a stand-in on the host's PATH, as a small program that names its folder and interpreter."""
    tree.stand_ins.mkdir(exist_ok=True)
    path = tree.stand_ins / name
    settings = tree.settings()
    real = "-real" if name == "nginx" and settings["nginx"] else ""
    script = Path(main.__file__).parent / f"{name}{real}.sh"
    if script.exists():
        text = _filled(script.read_text(), tree, settings)
    else:
        flags = "-I" if name in main.NEED_LIBRARIES else "-I -S"
        words = [settings["python"], *flags.split(), main.__file__, name, str(tree.root)]
        text = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        path.chmod(0o755)


def _filled(text: str, tree: Tree, settings: dict[str, Any]) -> str:
    passed = " ".join(f"{name}={shlex.quote(value)}" for name, value in settings["passed_on"].items())
    known = {
        "@ROOT@": str(tree.root), "@USER@": settings["user"], "@PATH@": tree.path, "@PASSED@": passed,
        "@PYTHON@": settings["base_python"], "@NGINX@": settings["nginx"],
    }  # fmt: skip
    for mark, value in known.items():
        text = text.replace(mark, value)
    return text


def empty_volatile(tree: Tree) -> None:
    """What a boot finds empty: /run and /tmp."""
    for name in ("run", "tmp"):
        shutil.rmtree(tree.root / name, ignore_errors=True)
        (tree.root / name).mkdir(mode=0o755 if name == "run" else 0o1777)
    (tree.root / "run/lock").mkdir()
    if not (tree.root / "var/run").is_symlink():
        (tree.root / "var/run").symlink_to("../run")
    (tree.root / "tmp").chmod(0o1777)
