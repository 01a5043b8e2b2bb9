"""The life of instances: pending until they have booted, running on a practice host, stopping, gone."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from iris_migrate.rehearsal.clock import PracticeClock

log = logging.getLogger(__name__)

STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
_NEXT = {"pending": "running", "stopping": "stopped", "shutting-down": "terminated"}
_STEP = 0.05  # seconds between two looks at what is due


class Machine(Protocol):
    """What an instance runs on."""

    @property
    def fingerprints(self) -> Sequence[str]:
        """`SHA256:…` of its SSH host keys, with the type behind it where it is not Ed25519."""
        ...

    def start(self, address: str) -> None:
        """Boot, or move to another address."""
        ...

    def stop(self) -> None: ...

    def reboot(self) -> None: ...


# Instance id and a source of its authorized keys -> a machine, or None when the world has none left.
MachineMaker = Callable[[str, Callable[[], list[str]]], Machine | None]


@dataclass(slots=True)
class Life:
    """What the practice AWS knows of an instance beyond moto. `due` is on the world's clock."""

    instance: Any
    machine: Machine | None
    due: float | None = None
    address: str | None = None  # where the machine listens
    credits: str = "standard"
    booted_at: float | None = None
    reboots: int = 0
    trouble: str = ""


@dataclass(slots=True)
class Instances:
    """Moves instances from state to state and keeps their machines where their addresses are."""

    clock: PracticeClock
    make_machine: MachineMaker
    boot_seconds: float = 1.5
    stop_seconds: float = 0.5
    lives: dict[str, Life] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def keep(self) -> None:
        """Start the thread that carries out what is due."""
        self._thread = threading.Thread(target=self._run, name="practice-instances", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop the thread and every machine."""
        self._ended.set()
        if self._thread:
            self._thread.join(timeout=10)
        for life in self.lives.values():
            if life.machine and life.address:
                with contextlib.suppress(Exception):
                    life.machine.stop()
                life.address = None

    def launched(self, instance: Any, authorized_keys: Callable[[], list[str]], cpu_credits: str) -> None:
        """A new instance of moto's: pending, with a machine of its own when there is one."""
        with self._lock:
            machine = self.make_machine(instance.id, authorized_keys)
            life = Life(instance, machine, credits=cpu_credits)
            self.lives[instance.id] = life
            self._enter(life, "pending", self.boot_seconds)

    def starting(self, instance_id: str) -> None:
        self._turn(instance_id, "pending", self.boot_seconds)

    def stopping(self, instance_id: str) -> None:
        self._turn(instance_id, "stopping", self.stop_seconds)

    def terminating(self, instance_id: str) -> None:
        self._turn(instance_id, "shutting-down", self.stop_seconds)

    def rebooting(self, instance_id: str) -> None:
        """The state stays running; the machine goes down and comes back."""
        with self._lock:
            life = self.lives.get(instance_id)
            if life is not None:
                life.reboots += 1

    def shown(self) -> dict[str, Any]:
        """Each instance for people: state, where its machine listens, what went wrong with it."""
        return {
            instance_id: {
                "state": life.instance.state,
                "listens": life.address,
                "machine": "practice host" if life.machine else "none: another instance has it",
                "trouble": life.trouble,
            }
            for instance_id, life in list(self.lives.items())
        }

    def _turn(self, instance_id: str, state: str, seconds: float) -> None:
        with self._lock:
            life = self.lives.get(instance_id)
            if life is not None:
                self._enter(life, state, seconds)

    def _enter(self, life: Life, state: str, seconds: float = 0.0) -> None:
        life.instance._state.name = state
        life.instance._state.code = STATES[state]
        life.due = self.clock.now() + seconds if state in _NEXT else None
        if state == "running":
            life.booted_at = self.clock.now()

    def _run(self) -> None:
        rebooted: dict[str, int] = {}
        while not self._ended.is_set():
            for instance_id, life in list(self.lives.items()):
                with self._lock:
                    state = life.instance._state.name
                    if life.due is not None and self.clock.now() >= life.due and state in _NEXT:
                        self._enter(life, _NEXT[state])
                        state = life.instance._state.name
                    wanted = _address(life.instance) if state == "running" else None
                self._bring(life, wanted)
                if life.reboots > rebooted.get(instance_id, 0) and life.address and life.machine:
                    rebooted[instance_id] = life.reboots
                    self._guard(life, life.machine.reboot)
            time.sleep(_STEP)

    def _bring(self, life: Life, wanted: str | None) -> None:
        """Make the machine listen where the instance's public address is. May take a while; no lock is held."""
        if life.machine is None or life.address == wanted:
            return
        if wanted is None:
            self._guard(life, life.machine.stop)
        else:
            machine = life.machine
            self._guard(life, lambda: machine.start(wanted))
        life.address = wanted

    @staticmethod
    def _guard(life: Life, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # shown at the control address; AWS too would say that the instance runs
            life.trouble = f"{type(error).__name__}: {error}"
            log.exception("the machine of %s", life.instance.id)


def _address(instance: Any) -> str | None:
    """The public address as of now: moto keeps the associated one on the network interface."""
    address = instance.public_ip
    return str(address) if address else None


def console_output(life: Life) -> str:
    """What the serial console shows once booted: cloud-init's report of the host keys, as on Ubuntu."""
    if life.booted_at is None or life.machine is None:
        return ""
    stamp = time.strftime("%b %d %H:%M:%S", time.gmtime(life.booted_at))
    host = str(life.instance.private_dns_name).split(".")[0]
    lines = [
        "[    0.000000] Linux version 6.8.0-practice (rehearsal@this-machine) #1 SMP",
        f"[    1.918462] cloud-init[604]: Cloud-init v. 24.4 running 'init' at {stamp}.",
        f"<14>{stamp} cloud-init: " + "#" * 61,
        f"<14>{stamp} cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----",
        *(f"<14>{stamp} cloud-init: {_fingerprint_line(item, host)}" for item in life.machine.fingerprints),
        f"<14>{stamp} cloud-init: -----END SSH HOST KEY FINGERPRINTS-----",
        f"<14>{stamp} cloud-init: " + "#" * 61,
        f"[    4.201733] cloud-init[701]: Cloud-init v. 24.4 finished at {stamp}. Datasource DataSourceEc2Local.",
        "",
    ]
    return "\r\n".join(lines)


def _fingerprint_line(fingerprint: str, host: str) -> str:
    """`256 SHA256:… root@ip-172-31-0-1 (ED25519)`, as ssh-keygen -l prints it."""
    told, _, kind = fingerprint.partition(" ")
    return f"{3072 if kind == 'RSA' else 256} {told} root@{host} ({kind or 'ED25519'})"
