"""sshd: `-t` tests its configuration, `-T` tells the settings that hold; the server itself is the practice host's."""

from __future__ import annotations

import glob
import sys

from iris_migrate.rehearsal.host.stand_ins import accounts

DEFAULTS = {
    "port": "22", "permitrootlogin": "without-password", "passwordauthentication": "yes",
    "kbdinteractiveauthentication": "yes", "permitemptypasswords": "no", "pubkeyauthentication": "yes",
    "x11forwarding": "no", "usepam": "no", "printmotd": "yes", "acceptenv": "", "subsystem": "",
}  # fmt: skip


class BadConfiguration(Exception):
    """What sshd says of a file that it does not accept."""


def main(name: str, root: str, argv: list[str]) -> int:
    try:
        found = settings(root, f"{root}/etc/ssh/sshd_config")
    except BadConfiguration as error:
        return accounts.fail(str(error), 255)
    if argv == ["-T"]:
        sys.stdout.write("".join(f"{key} {value}\n" for key, value in (DEFAULTS | found).items() if value))
        return 0
    return 0 if argv == ["-t"] else accounts.fail("practice host: sshd runs already; -t and -T are offered", 1)


def settings(root: str, path: str) -> dict[str, str]:
    """The settings of a file and those it includes; the first that sets one wins. Raises BadConfiguration."""
    found: dict[str, str] = {}
    try:
        with open(path) as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise BadConfiguration(f"{path}: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        key, _, value = line.strip().partition(" ")
        if not key or key.startswith("#"):
            continue
        if key.lower() == "include":
            for other in sorted(glob.glob(f"{root}{value.strip()}")):
                found = settings(root, other) | found  # what was set before wins
        elif key.lower() not in DEFAULTS:
            raise BadConfiguration(f"{path}: line {number}: Bad configuration option: {key}")
        else:
            found.setdefault(key.lower(), value.strip())
    return found
