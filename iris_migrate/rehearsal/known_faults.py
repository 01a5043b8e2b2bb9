"""The failures that a rehearsal can script, by name. Imports nothing: the command line lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """A fault for people: what it does, and what may stand behind its `=`."""

    says: str
    what: str = ""


KNOWN: Mapping[str, Known] = {
    "throttle": Known(
        "the first two calls of each AWS operation are told to slow down", "pattern of service:Operation"
    ),
    "slow-boot": Known("an instance is pending for 20 s", "seconds"),
    "no-permission": Known("the identity lacks ec2:AllocateAddress", "pattern of service:Operation"),
    "expired-login": Known("every call to AWS is told that the login has expired"),
    "eventual": Known("for a second a read does not see what was just made", "seconds"),
    "slow-aws": Known("every answer of AWS takes 50 ms longer", "milliseconds"),
    "ssh-drop": Known("SSH is cut while a command runs", "which command from now, default 12"),
    "disk-full": Known("the host's disk is full"),
    "host-key-changed": Known("the host shows another SSH key than the console said"),
    "max-sessions": Known("SSH takes one session a connection", "sessions"),
    "package-mirror-down": Known("the host's package mirror does not answer"),
    "apt-lock": Known("another process holds the package manager's lock"),
    "bad-commit": Known("the commit to deploy does not start (only at the start of a world)"),
    "dns-elsewhere": Known("the domain leads to another host", "address"),
    "model-down": Known("the model answers 503", "status"),
    "slow-model": Known("the model takes 3 s", "seconds"),
}
