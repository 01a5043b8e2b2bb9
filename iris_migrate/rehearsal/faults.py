"""The failures that a rehearsal can script, by name: `NAME` or `NAME=WHAT`, at the start or while it runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from iris_migrate.rehearsal.aws.cloud import Cloud
from iris_migrate.rehearsal.aws.faults import WAYS, expired_login, no_permission, throttle, way
from iris_migrate.rehearsal.control import ControlError
from iris_migrate.rehearsal.known_faults import KNOWN
from iris_migrate.rehearsal.model import ModelServer
from iris_migrate.rehearsal.names import Zone


class FailingHost(Protocol):
    def fault(self, name: str, **options: Any) -> None: ...
    def mend(self, name: str) -> None: ...


_OF_HOST: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "ssh-drop": lambda what: {"at_command": int(what or 12)},
    "disk-full": lambda what: {},
    "host-key-changed": lambda what: {},
    "max-sessions": lambda what: {"sessions": int(what or 1)},
    "package-mirror-down": lambda what: {},
    "apt-lock": lambda what: {},
}
_FOR_LONG = 10**6  # times


def read_fault(wanted: str) -> tuple[str, str]:
    """Name and what stands behind its `=`. Raises ControlError for what is no fault."""
    name, _, what = wanted.partition("=")
    if name not in KNOWN:
        raise ControlError(f"No fault is called {name!r}. Known: {', '.join(KNOWN)}.")
    if what and not KNOWN[name].what:
        raise ControlError(f"The fault {name} takes nothing behind it.")
    return name, what


@dataclass(slots=True)
class Faults:
    """The scripted faults of one world. `host` gives the practice host, or None while there is none."""

    cloud: Cloud
    model: ModelServer
    host: Callable[[], FailingHost | None]
    boot_seconds: float
    zone: Zone
    active: dict[str, str] = field(default_factory=dict)

    def script(self, wanted: str, *, starting: bool = False) -> None:
        """Begin a fault. Raises ControlError for one that is not known or cannot be had now."""
        name, what = read_fault(wanted)
        if name == "bad-commit" and not starting:
            raise ControlError("bad-commit is chosen at the start of a rehearsal: --fault bad-commit")
        try:
            self._begin(name, what)
        except (ValueError, TypeError) as error:
            raise ControlError(f"{wanted}: {error}") from error
        self.active[name] = what

    def _begin(self, name: str, what: str) -> None:
        table = self.cloud.app.practice.faults
        match name:
            case "throttle":
                table.add(throttle(what or ".*"))
            case "slow-boot":
                self.cloud.instances.boot_seconds = float(what or 20)
            case "no-permission":
                table.add(no_permission(what or "ec2:AllocateAddress"))
            case "expired-login":
                table.add(expired_login())
            case "eventual":
                table.lag = float(what or 1)
            case "slow-aws":
                table.delay = float(what or 50) / 1000
            case "dns-elsewhere":
                self.zone.elsewhere = what or "192.0.2.200"
            case "model-down":
                self.model.change({"fail": {"status": int(what or 503), "times": _FOR_LONG}})
            case "slow-model":
                self.model.change({"delay_ms": float(what or 3) * 1000})
            case _ if name in _OF_HOST:
                host = self.host()
                if host is None:
                    raise ValueError("there is no practice host now")
                host.fault(name, **_OF_HOST[name](what))

    def mend(self, name: str) -> None:
        """End one fault. Raises ControlError for one that is not known."""
        if name not in KNOWN:
            raise ControlError(f"No fault is called {name!r}. Known: {', '.join(KNOWN)}.")
        table = self.cloud.app.practice.faults
        match name:
            case "throttle" | "no-permission" | "expired-login":
                table.remove(name)
            case "slow-boot":
                self.cloud.instances.boot_seconds = self.boot_seconds
            case "eventual":
                table.lag = 0.0
            case "slow-aws":
                table.delay = 0.0
            case "dns-elsewhere":
                self.zone.elsewhere = ""
            case "model-down":
                self.model.change({"fail": None})
            case "slow-model":
                self.model.change({"delay_ms": 0})
            case _ if name in _OF_HOST and (host := self.host()) is not None:
                host.mend(name)
        self.active.pop(name, None)

    def take(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`{"add": "NAME[=WHAT]"}`, `{"mend": "NAME"}`, `{"delay_ms": n}`, `{"lag_ms": n}`, `{"clear": true}`, or
        `{"call": {"action": REGEX, "way": one of WAYS, "skip": n, "times": n, "writes": true}}`."""
        table = self.cloud.app.practice.faults
        match dict(body):
            case {"add": str(wanted)}:
                self.script(wanted)
            case {"mend": str(name)}:
                self.mend(name)
            case {"call": {"action": str(), "way": str()} as call}:
                self._one_call(**{str(name): value for name, value in call.items()})
            case {"delay_ms": int() | float() as milliseconds}:
                table.delay = max(0.0, milliseconds / 1000)
            case {"lag_ms": int() | float() as milliseconds}:
                table.lag = max(0.0, milliseconds / 1000)
            case {"clear": True}:
                for name in list(self.active):
                    self.mend(name)
                for kind in WAYS:
                    table.remove(f"call-{kind}")
                table.delay = table.lag = 0.0
            case _:
                raise ControlError('Send one of "add", "call", "mend", "delay_ms", "lag_ms", "clear": true.')
        return self.shown()

    def _one_call(self, **call: Any) -> None:
        """Let calls of an action go wrong in one of six ways; `skip` of them pass first, then `times` go wrong."""
        try:
            self.cloud.app.practice.faults.add(way(call.pop("way"), call.pop("action"), **call))
        except (ValueError, TypeError, re.error) as error:
            raise ControlError(f"No call can go wrong like that: {error}") from error

    def shown(self, _: Mapping[str, Any] | None = None) -> dict[str, Any]:
        known = {name: {"does": fault.says, "takes": fault.what} for name, fault in KNOWN.items()}
        return {"active": dict(self.active), **self.cloud.app.practice.faults.shown(), "known": known}
