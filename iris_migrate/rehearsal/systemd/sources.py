"""Where packages come from: what this machine's own apt is told, for a host of the same release."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from iris_migrate.rehearsal.systemd.needs import NotHere, program

# Release name -> the profile of checklists/profiles.yaml.
PROFILES = {"bookworm": "debian-12", "jammy": "ubuntu-22.04", "noble": "ubuntu-24.04"}
_ORIGINS = ("Debian", "Ubuntu")
_FORMAT = "$(REPO_URI)|$(CODENAME)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
_KEPT = re.compile(r'^Acquire::(?:[a-z]+::Proxy(?:::[^\s"]*)?|[a-z]+::(?:CaInfo|Verify-Peer))\s', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sources:
    """One release, the mirror of its main archive, and apt's configuration for the host as text."""

    release: str
    mirror: str
    lines: tuple[str, ...]
    settings: str

    @property
    def profile(self) -> str:
        return PROFILES[self.release]


def read_sources() -> Sources:
    """What apt here says. Raises NotHere when it names no release that we have a profile for."""
    apt = [program("apt-get"), "indextargets", "--format", _FORMAT, "Created-By: Packages"]
    rows = subprocess.run(apt, capture_output=True, text=True, check=False).stdout.splitlines()
    dump = subprocess.run([program("apt-config"), "dump"], capture_output=True, text=True, check=False).stdout
    return choose(rows, dump.splitlines())


def choose(rows: Iterable[str], dump: Iterable[str]) -> Sources:
    """The sources of one release from apt's own table (`_FORMAT`) and its settings (`apt-config dump`)."""
    targets = [tuple(row.split("|")) for row in rows if row.count("|") == 4]
    of_system = [target for target in targets if target[4] in _ORIGINS]
    mains = [target for target in of_system if target[1] in PROFILES and target[3] == "main"]
    if not mains:
        raise NotHere(
            f"apt on this machine names no mirror of {', '.join(PROFILES)}. Run `apt-get update`, or add one to its"
            " sources."
        )
    mirror, release = mains[0][0], mains[0][1]
    suites: dict[tuple[str, str], list[str]] = {}
    for uri, name, _, component, _ in of_system:
        if name.partition("-")[0] == release:
            suites.setdefault((uri, name), []).append(component)
    lines = [f"deb {uri} {name} {' '.join(dict.fromkeys(parts))}" for (uri, name), parts in suites.items()]
    settings = [line for line in dump if _KEPT.match(line)]
    return Sources(release, mirror, tuple(lines), "".join(f"{line}\n" for line in settings))
