"""A small repository of RPM packages in a folder of the test, and an empty system beside it to install them in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("dnf", "rpm", "rpmbuild", "createrepo_c")
_SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: A package of the tests
License: MIT
BuildArch: noarch
%description
Holds one file that tells its version.
%install
mkdir -p %{{buildroot}}/usr/share/small
echo {version} > %{{buildroot}}/usr/share/small/{name}
%files
/usr/share/small/{name}
"""
_DNF = """\
[main]
gpgcheck=0
installroot={system}
cachedir={folder}/cache
logdir={folder}/log
persistdir={folder}/persist
reposdir={folder}/none
varsdir={folder}/none
pluginpath={folder}/none
releasever=2023
install_weak_deps=0
keepcache=0
metadata_expire=0

[small]
name=small
baseurl=file://{folder}/repository
enabled=1
"""


def missing() -> str:
    """Why the dnf path cannot be tried here; empty when it can."""
    if os.geteuid() != 0:
        return "dnf and rpm install into a folder of their own only as root"
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"not on this machine: {', '.join(lacking)} (Debian: dnf, rpm, createrepo-c)" if lacking else ""


@dataclass(frozen=True)
class Small:
    """The repository, the system that packages go to, and wrappers that make the real dnf and rpm work on that one."""

    folder: Path

    @property
    def system(self) -> Path:
        return self.folder / "system"

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    def build(self, names: Sequence[str], version: str) -> None:
        """Add packages of a version, and write the repository's lists again."""
        top = self.folder / "rpmbuild"
        self.repository.mkdir(parents=True, exist_ok=True)
        for name in names:
            spec = self.folder / f"{name}.spec"
            spec.write_text(_SPEC.format(name=name, version=version))
            defines = (f"_topdir {top}", f"_rpmdir {self.repository}", f"_dbpath {self.folder}/build-db")
            _run("rpmbuild", "--quiet", "-bb", *(word for item in defines for word in ("--define", item)), str(spec))
        _run("createrepo_c", "--quiet", str(self.repository))

    def wrap(self, stand_ins: Path) -> None:
        """Put dnf and rpm into a folder of programs; they are the machine's, told where to work."""
        for name in ("none", "system", "cache", "log", "persist"):
            (self.folder / name).mkdir(exist_ok=True)
        configuration = self.folder / "dnf.conf"
        configuration.write_text(_DNF.format(system=self.system, folder=self.folder))
        for name, words in (("dnf", f"--config {configuration}"), ("rpm", f"--root {self.system}")):
            program = stand_ins / name
            # Debian's rpm keeps its database below HOME; dnf as root and rpm as the login user must mean the same one.
            program.write_text(f'#!/bin/sh\nHOME=/root\nexport HOME\nexec {shutil.which(name)} {words} "$@"\n')
            program.chmod(0o755)

    def version(self, name: str) -> str:
        """What the installed package's own file says; empty when it is not there."""
        path = self.system / "usr/share/small" / name
        return path.read_text().strip() if path.exists() else ""


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv[0]}: {done.stderr}{done.stdout}"
