"""The practice resolver, asked with dnspython, and the service that tells one's own address."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator

import dns.exception
import dns.resolver
import pytest

from iris_migrate.rehearsal.actors import DomainOwner
from iris_migrate.rehearsal.clock import PracticeClock
from iris_migrate.rehearsal.names import Resolver, Zone, own_address
from iris_migrate.rehearsal.serving import Serving

NAME = "iris.practice.example.com"


@pytest.fixture
def clock() -> PracticeClock:
    return PracticeClock(base=lambda: 1_000_000.0)


@pytest.fixture
def zone(clock: PracticeClock) -> Zone:
    return Zone(clock)


@pytest.fixture
def asking(zone: Zone) -> Iterator[dns.resolver.Resolver]:
    server = Resolver(zone, NAME)
    server.start()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], server.port, 5
    yield resolver
    server.stop()


@pytest.mark.parametrize("tcp", [False, True])
def test_the_record_is_there_two_seconds_after_the_address(
    zone: Zone, clock: PracticeClock, asking: dns.resolver.Resolver, tcp: bool
) -> None:
    associated: list[str | None] = [None]
    owner = DomainOwner(zone, NAME, lambda: associated[0])
    owner.look()
    with pytest.raises(dns.resolver.NXDOMAIN):
        asking.resolve(NAME, "A", tcp=tcp)
    associated[0] = "127.9.8.7"
    owner.look()
    clock.advance(1.9)
    with pytest.raises(dns.resolver.NXDOMAIN):
        asking.resolve(NAME, "A", tcp=tcp)
    clock.advance(0.1)
    owner.look()
    assert [record.address for record in asking.resolve(NAME.upper(), "A", tcp=tcp)] == ["127.9.8.7"]
    with pytest.raises(dns.resolver.NoAnswer):
        asking.resolve(NAME, "AAAA", tcp=tcp)
    associated[0] = None
    owner.look()
    with pytest.raises(dns.resolver.NXDOMAIN):
        asking.resolve(NAME, "A", tcp=tcp)


def test_what_is_no_question_does_not_end_the_resolver(zone: Zone, asking: dns.resolver.Resolver) -> None:
    zone.point(NAME, "127.1.1.1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"not a question", ("127.0.0.1", asking.port))
    with socket.create_connection(("127.0.0.1", asking.port)) as sender:
        sender.sendall(b"\x00\x05never")
    assert [record.address for record in asking.resolve(NAME, "A")] == ["127.1.1.1"]


def test_the_callers_address_is_told() -> None:
    serving = Serving(own_address).start("test-own-address")
    try:
        with urllib.request.urlopen(f"{serving.url}/") as answer:
            assert answer.read() == b"127.0.0.1\n"
    finally:
        serving.stop()
