"""The ground of a real host: a network of its own, an ACME server, hosts copied from the base image."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack

from iris_migrate.rehearsal.grounds import Surroundings
from iris_migrate.rehearsal.hosts import AuthorizedKeys, Host, Ports
from iris_migrate.rehearsal.systemd import network
from iris_migrate.rehearsal.systemd.claims import Claim, claim
from iris_migrate.rehearsal.systemd.host import SystemdHost
from iris_migrate.rehearsal.systemd.image import Image, cache
from iris_migrate.rehearsal.systemd.pebble import Pebble

_FIRST, _LAST = 10, 250  # last parts of the addresses that are handed out


class SystemdGround:
    """One network for the hosts of one world, one after the other. Linux, root."""

    ports = Ports(ssh=22, http=80, https=443, app=8080)

    def __init__(self, image: Image) -> None:
        self.image, self.profile = image, image.profile
        self._claim: Claim = claim()
        number = self._claim.number
        self.services, self.colleague = network.gateway(number), network.colleague(number)
        self._addresses: Iterator[int] = itertools.cycle(range(_FIRST, _LAST))

    def begin(self, cleanup: ExitStack) -> None:
        """Make the network. What crashed worlds left was removed with the claim."""
        cleanup.callback(self._claim.release)
        self._claim.note(network=True, forwarding=network.forwarding())
        network.bring_up(self._claim.number)

    def public_address(self) -> str:
        return f"{network.subnet(self._claim.number)}.{next(self._addresses)}"

    def authority(self, around: Surroundings, cleanup: ExitStack) -> tuple[str, str]:
        pebble = Pebble(around.folder / "pebble", self.services, self.image.authority, around.resolver)
        self._claim.note_process("pebble", pebble.process.pid)
        cleanup.callback(pebble.stop)
        return pebble.directory, pebble.root()

    def host(self, authorized_keys: AuthorizedKeys) -> Host:
        return SystemdHost(self.image, cache() / f"host-{self._claim.number}", self._claim, authorized_keys)

    def says(self, host: Host) -> list[str]:
        return [
            "certificate authority: pebble, which speaks ACME and is trusted by nobody else",
            f"host: a real {self.image.profile} in a container of this machine",
        ]
