"""A host is let in by its key only: pinned per instance, vouched for by the console, or asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from iris_migrate.connections.host.ahead import Ahead
from iris_migrate.connections.host.connection import Address, HostConnection, Pin
from iris_migrate.connections.host.errors import HostUnreachable, LoginRefused
from iris_migrate.connections.host.keys import HostKeyChanged, HostKeyUnknown, console_fingerprints
from iris_migrate.rehearsal.host.host_keys import fresh
from tests.connections.host.conftest import Connect, Site, WallClock
from tests.connections.host.proxy import Proxy
from tests.connections.host.sshd import free_port

OTHER = "SHA256:" + "A" * 43
CONSOLE = f"""
[   12.3] cloud-init[700]: Generating public/private rsa key pair.
ci-info: no authorized SSH keys fingerprints found for user ubuntu.
<14>Nov  3 10:00:01 cloud-init: #############################################################
<14>Nov  3 10:00:01 cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----
<14>Nov  3 10:00:01 cloud-init: 256 SHA256:{"b" * 43} root@ip-10-0-0-1 (ECDSA)
<14>Nov  3 10:00:01 cloud-init: 256 SHA256:{"c" * 43} root@ip-10-0-0-1 (ED25519)
<14>Nov  3 10:00:01 cloud-init: -----END SSH HOST KEY FINGERPRINTS-----
"""


def test_the_console_tells_the_fingerprints() -> None:
    assert console_fingerprints(CONSOLE) == ("SHA256:" + "b" * 43, "SHA256:" + "c" * 43)


def test_the_last_whole_block_of_the_console_counts() -> None:
    again = CONSOLE.replace("b" * 43, "d" * 43) + "-----BEGIN SSH HOST KEY FINGERPRINTS-----\n256 SHA256:" + "e" * 43
    assert console_fingerprints(CONSOLE + again) == ("SHA256:" + "d" * 43, "SHA256:" + "c" * 43)


@pytest.mark.parametrize("text", ["", "SHA256:" + "f" * 43, "-----END SSH HOST KEY FINGERPRINTS-----"])
def test_a_console_without_a_block_tells_nothing(text: str) -> None:
    assert console_fingerprints(text) == ()


async def test_a_key_that_the_console_vouches_for_is_pinned(connect: Connect, site: Site, tmp_path: Path) -> None:
    await connect(prints=(OTHER, site.fingerprint)).open()
    known = tmp_path / "known_hosts"
    assert known.read_text().startswith("i-0123456789abcdef0 ssh-ed25519 ")
    assert known.stat().st_mode & 0o777 == 0o600
    await connect(prints=()).open()  # pinned: nothing needs to vouch for it any more
    assert len(known.read_text().splitlines()) == 1


async def test_another_key_than_the_console_told_is_refused_with_both(connect: Connect, site: Site) -> None:
    with pytest.raises(HostKeyChanged) as refused:
        await connect(prints=(OTHER,)).open()
    assert OTHER in str(refused.value) and site.fingerprint in str(refused.value)


async def test_a_changed_key_is_refused_with_both(connect: Connect, site: Site, tmp_path: Path) -> None:
    import base64

    before = fresh()
    line = f"i-0123456789abcdef0 {before.get_name()} {base64.b64encode(before.asbytes()).decode()}\n"
    (tmp_path / "known_hosts").write_text(line)
    with pytest.raises(HostKeyChanged) as refused:
        await connect().open()
    assert refused.value.seen == site.fingerprint
    assert refused.value.expected[0] in str(refused.value)
    assert (tmp_path / "known_hosts").read_text() == line


async def test_an_unknown_key_is_asked_and_pinned_only_when_it_is_right(
    connect: Connect, site: Site, tmp_path: Path
) -> None:
    with pytest.raises(HostKeyUnknown) as asked:
        await connect(prints=()).open()
    assert asked.value.fingerprint == site.fingerprint
    assert not (tmp_path / "known_hosts").exists()
    await connect(prints=(asked.value.fingerprint,)).open()
    await connect(prints=()).open()


async def test_another_instance_has_its_own_pin(connect: Connect) -> None:
    await connect().open()
    with pytest.raises(HostKeyUnknown):
        await connect(instance="i-0fedcba9876543210", prints=()).open()


async def test_nobody_there_is_said_with_what_to_check(tmp_path: Path) -> None:
    key = tmp_path / "key"
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
    )
    address = Address("127.0.0.1", free_port(), "ubuntu", str(key))
    connection = HostConnection(address, Pin("i-0"), clock=WallClock(), known_hosts=tmp_path / "known")
    with pytest.raises(HostUnreachable, match="security group"):
        await connection.open()


async def test_a_wrong_user_is_refused_with_what_to_check(site: Site, tmp_path: Path) -> None:
    address = Address("127.0.0.1", site.port, "nobody-we-know", str(site.key))
    connection = HostConnection(
        address, Pin("i-0", (site.fingerprint,)), clock=WallClock(), known_hosts=tmp_path / "known"
    )
    with pytest.raises(LoginRefused, match="nobody-we-know"):
        await connection.open()


async def test_a_key_that_is_not_there_is_said(site: Site, tmp_path: Path) -> None:
    address = Address("127.0.0.1", site.port, site.user, str(tmp_path / "none"))
    connection = HostConnection(address, Pin("i-0"), clock=WallClock(), known_hosts=tmp_path / "known")
    with pytest.raises(LoginRefused, match="no private key"):
        await connection.open()


async def test_what_was_begun_ahead_is_gone_on_with(connect: Connect, proxy: Proxy, site: Site) -> None:
    ahead = Ahead("127.0.0.1", proxy.port)
    first = connect(port=proxy.port, ahead=ahead)
    await first.open()
    assert proxy.accepted == 1 and await first.facts.stat(str(site.root)) is not None
    await connect(port=proxy.port, ahead=ahead).open()
    assert proxy.accepted == 2, "it is taken once"


async def test_a_key_that_was_shown_ahead_is_checked_all_the_same(connect: Connect, site: Site) -> None:
    with pytest.raises(HostKeyChanged):
        await connect(prints=(OTHER,), ahead=Ahead("127.0.0.1", site.port)).open()


async def test_another_kind_of_key_shown_ahead_is_asked_again(
    connect: Connect, proxy: Proxy, site: Site, tmp_path: Path
) -> None:
    import base64

    before = fresh()
    line = f"i-0123456789abcdef0 {before.get_name()} {base64.b64encode(before.asbytes()).decode()}\n"
    (tmp_path / "known_hosts").write_text(line)
    with pytest.raises(HostKeyChanged):
        await connect(port=proxy.port, ahead=Ahead("127.0.0.1", proxy.port)).open()
    assert proxy.accepted == 2, "only a connection that asks for the pinned kind says that it changed"


async def test_what_was_begun_to_another_place_or_to_nobody_says_so(connect: Connect, proxy: Proxy, site: Site) -> None:
    elsewhere = Ahead("127.0.0.1", proxy.port)
    await connect(ahead=elsewhere).open()
    elsewhere.close()
    assert elsewhere.take("127.0.0.1", proxy.port) is None
    closed = free_port()
    with pytest.raises(HostUnreachable, match="refused"):
        await connect(port=closed, ahead=Ahead("127.0.0.1", closed)).open()
