"""Keeps commands inside the practice folder: finds words that name a place of the real machine.

It looks at the command line of an exec request, and at what is piped into a `sh` that reads its script from standard
input. It does not look at file contents. It guards against mistakes, not against malice.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

# Read-only parts of the system that commands may name.
ALLOWED = (
    "/etc/ssl/",
    "/etc/localtime",
    "/usr/bin/",
    "/usr/sbin/",
    "/usr/lib",
    "/usr/share/",
    "/bin/",
    "/sbin/",
    "/lib",
    "/proc",
    "/sys/",
)
PROGRAMS = ("/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/")
ALLOWED_FOLDERS = ("/usr", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
_PATH = re.compile(r"(?<![\w.$/-])PATH=[^\s;&|]*")
DEVICES = {"null", "zero", "full", "random", "urandom", "stdin", "stdout", "stderr", "tty", "fd"}
_WORD = re.compile(r"(?<![\w.$}/:~%@*?\]\\-])/([\w.-]+)(?:/[\w./+@-]*)?")
SHELLS = {"sh", "dash", "bash"}
_WITH_VALUE = {"-u", "-g", "-C", "-p"}  # of sudo


class Guard:
    """Knows the practice folder and the programs that have a stand-in."""

    def __init__(self, root: Path, stand_ins: frozenset[str]) -> None:
        self._root = str(root)
        self._stand_ins = stand_ins
        self._tops = frozenset(path.name for path in Path("/").iterdir()) - {"proc", "sys"}

    def offence(self, script: str) -> str:
        """The first word that names a place outside; empty when there is none."""
        for found in _PATH.finditer(script):
            if "$PATH" not in found.group() and "${PATH" not in found.group() and self._root not in found.group():
                return found.group()
        for found in _WORD.finditer(script.replace(self._root, "~")):
            path, top = found.group(), found.group(1)
            if top in self._tops and not self._harmless(path, top):
                return path
        return ""

    def _harmless(self, path: str, top: str) -> bool:
        if top == "dev":
            return path.split("/")[2:3] == [] or path.split("/")[2] in DEVICES
        if not path.startswith(ALLOWED) and path not in ALLOWED_FOLDERS:
            return False
        return not self._is_shadowed(path)

    def _is_shadowed(self, path: str) -> bool:
        return path.startswith(PROGRAMS) and path.rpartition("/")[2] in self._stand_ins

    def refusal(self, offence: str) -> str:
        """What is written to standard error."""
        if offence.startswith("PATH="):
            return (
                f"practice host: refused: {offence} leaves the stand-ins out; write PATH=$PATH:… or leave it as it is\n"
            )
        if self._is_shadowed(offence):
            name = offence.rpartition("/")[2]
            return f"practice host: refused: {offence} is the real machine's; call {name} by its name alone\n"
        advice = f"put host.root ({self._root}) before it"
        return f"practice host: refused: {offence} is outside the practice folder; {advice}\n"


def reads_script(command: str) -> bool:
    """Whether a command line is a shell that takes its script from standard input."""
    if re.search(r"[;&|<>`\n]|\$\(", command):
        return False
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    while words:
        word = words.pop(0)
        if word in ("exec", "command", "env", "nice", "setsid") or re.fullmatch(r"\w+=.*", word, re.DOTALL):
            continue
        if word == "timeout":
            while words and (words[0].startswith("-") or re.fullmatch(r"[\d.]+[smhd]?", words[0])):
                taken = words.pop(0)
                if taken in ("-k", "-s") and words:
                    words.pop(0)
            continue
        if word == "sudo":
            while words and words[0].startswith("-"):
                taken = words.pop(0)
                if taken in _WITH_VALUE and words:
                    words.pop(0)
                if taken == "--":
                    break
            continue
        if word.rpartition("/")[2] not in SHELLS:
            return False
        plain = [item for item in words if not item.startswith("-")]
        flags = [item for item in words if item.startswith("-")]
        return not any("c" in flag for flag in flags if not flag.startswith("--")) and (
            not plain or any("s" in flag for flag in flags)
        )
    return False
