"""What a world's host stands on: the practice host's ground is loopback; a real host brings one of its own."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from iris_migrate.rehearsal.authority import Authority
from iris_migrate.rehearsal.aws.cloud import free_address, free_port
from iris_migrate.rehearsal.clock import PracticeClock
from iris_migrate.rehearsal.control import Control
from iris_migrate.rehearsal.hosts import AuthorizedKeys, Host, Ports
from iris_migrate.rehearsal.names import Zone

USER = "ubuntu"  # the login user of the profile `practice`
ACME = "acme"  # below the control address


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a ground may lean on of the world around it."""

    folder: Path
    zone: Zone
    clock: PracticeClock
    control: Control
    control_url: str
    resolver: str  # address and port


class Ground(Protocol):
    """Where a world's host lives. `begin` comes first; then `authority`; then hosts."""

    profile: str  # the setting `os`
    services: str  # the address of this machine at which the host reaches the world's services
    colleague: str  # another address of this machine, somebody else's

    def begin(self, cleanup: ExitStack) -> None:
        """Make what everything else stands on; say how it is taken down."""
        ...

    def public_address(self) -> str:
        """An address for the practice AWS to hand out."""
        ...

    @property
    def ports(self) -> Ports: ...

    def authority(self, around: Surroundings, cleanup: ExitStack) -> tuple[str, str]:
        """Open the certificate authority: the ACME directory's address, and the root to trust in PEM."""
        ...

    def host(self, authorized_keys: AuthorizedKeys) -> Host: ...

    def says(self, host: Host) -> list[str]:
        """What of the host and its authority is not the real thing, for the screen."""
        ...


@dataclass(slots=True)
class PracticeGround:
    """A folder and free ports of loopback: no root, ready at once."""

    folder: Path
    profile: str = "practice"
    services: str = "127.0.0.1"
    colleague: str = "127.0.0.3"
    ports: Ports = field(default_factory=lambda: Ports(free_port(), free_port(), free_port(), free_port()))
    _acme: str = ""

    def begin(self, cleanup: ExitStack) -> None:
        """Nothing: loopback is there."""

    def public_address(self) -> str:
        return free_address()

    def authority(self, around: Surroundings, cleanup: ExitStack) -> tuple[str, str]:
        authority = Authority(around.zone.address, self.ports.http, around.clock)
        around.control.show(ACME, authority.directory)
        around.control.take(f"{ACME}/order", authority.order)
        around.control.show(f"{ACME}/orders", authority.shown)
        self._acme = f"{around.control_url}{ACME}"
        return self._acme, authority.root_pem

    def host(self, authorized_keys: AuthorizedKeys) -> Host:
        from iris_migrate.rehearsal.host.server import PracticeHost

        return PracticeHost(self.folder, ports=self.ports, user=USER, authorized_keys=authorized_keys, acme=self._acme)

    def says(self, host: Host) -> list[str]:
        return [
            "certificate authority: HTTP-01 is real, the protocol around it is not",
            f"host: a folder of this machine; stand-ins for {', '.join(host.stand_ins)}",
        ]
