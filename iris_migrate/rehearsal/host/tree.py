"""The places of a practice host and the words that its parts share: paths, environment, users."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARKER = "PRACTICE_HOST"  # in the environment of every process of a practice host: its folder
AS_USER = "PRACTICE_USER"  # in the environment too: the name the process believes to run as


@dataclass(frozen=True, slots=True)
class Tree:
    """A practice host's folder. It is what `host.root` names; `.practice` in it is the machinery's own."""

    root: Path

    @property
    def machinery(self) -> Path:
        return self.root / ".practice"

    @property
    def stand_ins(self) -> Path:
        return self.root / "stand-ins"

    @property
    def programs(self) -> Path:
        """Links to the system's own programs that are as they are on a real host."""
        return self.machinery / "bin"

    @property
    def environment_file(self) -> Path:
        """Lines `export NAME='value'`: what every command of the host has in its environment."""
        return self.machinery / "environment"

    @property
    def journal(self) -> Path:
        return self.root / "var/log/journal/practice.jsonl"

    @property
    def passwd(self) -> Path:
        return self.root / "etc/passwd"

    @property
    def group(self) -> Path:
        return self.root / "etc/group"

    @property
    def path(self) -> str:
        """The PATH of every command."""
        return f"{self.stand_ins}:{self.programs}"

    def control_address(self) -> str:
        """The name of the abstract socket on which init listens; short however long the folder's path is."""
        return "\0practice-host-" + hashlib.sha256(os.fsencode(self.root)).hexdigest()[:24]

    def settings(self) -> dict[str, Any]:
        """What `PracticeHost` wrote for the stand-ins: user, ports, address of the practice CA, interpreters."""
        loaded: dict[str, Any] = json.loads((self.machinery / "settings.json").read_text())
        return loaded

    def fault(self, name: str) -> dict[str, Any] | None:
        """The options of a fault that is on, else None."""
        try:
            loaded: dict[str, Any] = json.loads((self.machinery / "faults" / name).read_text())
        except FileNotFoundError:
            return None
        return loaded

    def home(self, user: str) -> Path:
        """The home folder of a user, below the root; the root itself when the user has none."""
        for line in self.passwd.read_text().splitlines():
            fields = line.split(":")
            if fields[0] == user:
                return Path(fields[5])
        return self.root


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that real installations need on this machine: pip's, certificates', proxies'; and pip's cache."""
    kept = {
        name: value
        for name, value in environment.items()
        if name.startswith(("PIP_", "SSL_"))
        or name.endswith(("CA_BUNDLE", "_CAINFO"))
        or name.lower().endswith("_proxy")
    }
    home = Path(environment.get("HOME", "/"))
    cache = Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "pip"
    kept.setdefault("PIP_CACHE_DIR", str(cache))
    for candidate in (
        Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf",
        home / ".pip/pip.conf",
    ):
        if "PIP_CONFIG_FILE" not in kept and candidate.is_file():
            kept["PIP_CONFIG_FILE"] = str(candidate)
    return kept
