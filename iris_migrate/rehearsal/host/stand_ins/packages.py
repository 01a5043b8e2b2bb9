"""The packages that the practice host's apt knows, and what each brings: programs, stand-ins, units, files."""

from __future__ import annotations

import os
from typing import NamedTuple


class Package(NamedTuple):
    """`programs` are the machine's own, put on the host's PATH; `stand_ins` are ours."""

    version: str
    says: str
    programs: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    preinstalled: bool = False
    upgrade: str = ""  # a newer version that `apt-get upgrade` offers after `update`


GIT = ("git", "git-upload-pack", "git-receive-pack", "git-upload-archive")
KNOWN = {
    "apt": Package("2.7.14", "commandline package manager", preinstalled=True),
    "base-files": Package("13ubuntu10", "Debian base system miscellaneous files", preinstalled=True),
    "bash": Package("5.2.21-2", "GNU Bourne Again SHell", preinstalled=True),
    "ca-certificates": Package("20240203", "Common CA certificates", preinstalled=True),
    "coreutils": Package("9.4-3", "GNU core utilities", preinstalled=True),
    "cron": Package("3.0pl1-184", "process scheduling daemon", preinstalled=True),
    "curl": Package("8.5.0-2", "command line tool for transferring data with URL syntax", ("curl",), preinstalled=True),
    "dpkg": Package("1.22.6", "Debian package management system", preinstalled=True),
    "iproute2": Package("6.1.0-1", "networking and traffic control tools", preinstalled=True),
    "logrotate": Package("3.21.0-2", "Log rotation utility", preinstalled=True),
    "openssh-server": Package("1:9.6p1-3", "secure shell (SSH) server", preinstalled=True),
    "openssl": Package("3.0.13-0", "Secure Sockets Layer toolkit", preinstalled=True, upgrade="3.0.13-1"),
    "python3": Package("3.12.3-0", "interactive high-level object-oriented language", preinstalled=True),
    "sudo": Package("1.9.15p5-3", "Provide limited super user privileges", preinstalled=True),
    "systemd": Package("255.4-1", "system and service manager", preinstalled=True, upgrade="255.4-2"),
    "tzdata": Package("2024a-2", "time zone and daylight-saving time data", preinstalled=True, upgrade="2024b-1"),
    "unattended-upgrades": Package("2.9.1+nmu4", "automatic installation of security upgrades", preinstalled=True),
    "git": Package("1:2.43.0-1", "fast, scalable, distributed revision control system", GIT),
    "python3-venv": Package("3.12.3-0", "venv module for python3", depends=("python3",)),
    "python3-pip": Package("24.0+dfsg-1", "Python package installer", depends=("python3",)),
    "nginx": Package("1.24.0-2", "small, powerful web/proxy server", stand_ins=("nginx",), depends=("nginx-common",)),
    "nginx-common": Package("1.24.0-2", "small, powerful, scalable web/proxy server - common files"),
    "certbot": Package("2.9.0-1",
    "automatically configure HTTPS", stand_ins=("certbot",), depends=("python3-certbot",)),
    "python3-certbot": Package("2.9.0-1", "main library for certbot"),
    "sqlite3": Package("3.45.1-1", "Command line interface for SQLite 3", ("sqlite3",)),
    "jq": Package("1.7.1-3", "lightweight and flexible command-line JSON processor", ("jq",)),
    "rsync": Package("3.2.7-1", "fast, versatile, remote (and local) file-copying tool", ("rsync",)),
    "tree": Package("2.1.1-2", "displays an indented directory tree", ("tree",)),
    "gnupg": Package("2.4.4-2", "GNU privacy guard - a free PGP replacement", ("gpg",)),
}  # fmt: skip


class Missing(Exception):
    """A program that the package would bring is not on this machine."""


def status_path(root: str) -> str:
    return f"{root}/var/lib/dpkg/status"


def first(root: str) -> None:
    """What a new host has installed."""
    if os.path.exists(status_path(root)):
        return
    save(root, {name: package.version for name, package in KNOWN.items() if package.preinstalled})
    from pathlib import Path

    from iris_migrate.rehearsal.host import layout
    from iris_migrate.rehearsal.host.tree import Tree

    for package in KNOWN.values():
        if package.preinstalled:
            for program in package.programs:
                layout.link_program(Tree(Path(root)), program)
    for name in ("logrotate", "unattended-upgrades"):
        units(root, name)


def installed(root: str) -> dict[str, str]:
    """Versions by name, from dpkg's status file."""
    found: dict[str, str] = {}
    name = ""
    with open(status_path(root)) as file:
        for line in file:
            key, _, value = line.rstrip("\n").partition(": ")
            if key == "Package":
                name = value
            elif key == "Version":
                found[name] = value
    return found


def save(root: str, versions: dict[str, str]) -> None:
    """Write dpkg's status file at once, never in part. Raises OSError on a full disk."""
    blocks = [
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\nDescription: "
        f"{KNOWN[name].says if name in KNOWN else name}\n"
        for name, version in sorted(versions.items())
    ]
    with open(status_path(root) + "-new", "w") as file:
        file.write("\n".join(blocks))
    os.replace(status_path(root) + "-new", status_path(root))


def bring(root: str, name: str) -> list[str]:
    """Put a package's contents in place; returns the units to enable and start. Raises Missing."""
    from pathlib import Path

    from iris_migrate.rehearsal.host import layout
    from iris_migrate.rehearsal.host.tree import Tree

    tree, package = Tree(Path(root)), KNOWN[name]
    for program in package.programs:
        if not layout.link_program(tree, program) and program == package.programs[0]:
            raise Missing(program)
    for stand_in in package.stand_ins:
        layout.install_stand_in(tree, stand_in)
    if name == "python3-venv":
        (tree.root / "usr/share/python3-venv").touch()
    if name == "nginx-common":
        from iris_migrate.rehearsal.host.stand_ins import nginx_files

        nginx_files.write(tree)
    return units(root, name)


SERVICE = "[Unit]\nDescription={says}\n[Service]\nType=oneshot\nExecStart={command}\n"
TIMER = "[Unit]\nDescription={says}\n[Timer]\nOnCalendar={when}\nPersistent=true\n[Install]\nWantedBy=timers.target\n"


def units(root: str, name: str) -> list[str]:
    """Write the units that come with a package; returns those that Debian enables."""
    folder = f"{root}/lib/systemd/system"
    match name:
        case "logrotate":
            command = f"{root}/stand-ins/logrotate {root}/etc/logrotate.conf"
            _put(f"{root}/etc/logrotate.conf", f"weekly\nrotate 4\ncreate\ninclude {root}/etc/logrotate.d\n")
            _put(f"{folder}/logrotate.service", SERVICE.format(says="Rotate log files", command=command))
            _put(f"{folder}/logrotate.timer", TIMER.format(says="Daily rotation of log files", when="daily"))
            return _enabled(root, "logrotate.timer", "timers")
        case "certbot":
            command = f"{root}/stand-ins/certbot -q renew"
            _put(f"{folder}/certbot.service", SERVICE.format(says="Certbot", command=command))
            _put(f"{folder}/certbot.timer", TIMER.format(says="Run certbot twice daily", when="*-*-* 00,12:00:00"))
            for hook in ("pre", "deploy", "post"):
                os.makedirs(f"{root}/etc/letsencrypt/renewal-hooks/{hook}", exist_ok=True)
            return ["certbot.timer"]
        case "unattended-upgrades":
            text = (
                "[Unit]\nDescription=Unattended Upgrades Shutdown\n[Service]\nX-Practice=always\n"
                "[Install]\nWantedBy=multi-user.target\n"
            )
            _put(f"{folder}/unattended-upgrades.service", text)
            os.makedirs(f"{root}/etc/apt/apt.conf.d", exist_ok=True)
            periodic = 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n'
            _put(f"{root}/etc/apt/apt.conf.d/20auto-upgrades", periodic)
            return _enabled(root, "unattended-upgrades.service", "multi-user")
        case "nginx":
            return ["nginx.service"]
    return []


def _put(path: str, text: str) -> None:
    if not os.path.exists(path):
        with open(path, "w") as file:
            file.write(text)


def _enabled(root: str, unit: str, target: str) -> list[str]:
    link = f"{root}/etc/systemd/system/{target}.target.wants/{unit}"
    if not os.path.islink(link):
        os.symlink(f"{root}/lib/systemd/system/{unit}", link)
    return [unit]
