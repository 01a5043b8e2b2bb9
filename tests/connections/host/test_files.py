"""Files are replaced in one move or not at all, and what stood there can come back."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iris_migrate.connections.host.connection import HostConnection
from iris_migrate.connections.host.errors import HostFailure
from tests.connections.host.conftest import Site
from tests.connections.host.proxy import Proxy

OWNED: dict[str, Any] = {"mode": "0640", "owner": "root", "group": "root"}


@pytest.fixture
def folder(site: Site, tmp_path: Path) -> Path:
    if site.name == "sshd" and os.geteuid() != 0 and shutil.which("sudo") is None:
        pytest.skip("only root may write files as root, and this machine has no sudo")
    made = site.files / tmp_path.name
    made.mkdir()
    return made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def kept(site: Site) -> Path:
    return site.root / "var/lib/iris-migrate/kept"


async def test_a_file_is_written_as_it_was_asked(host: HostConnection, folder: Path) -> None:
    path, content = folder / "a 'file' $(x)", bytes(range(256)) * 2000
    written = await host.write_file(str(path), content, change=folder.name, keep=True, **OWNED)
    assert path.read_bytes() == content and path.stat().st_mode & 0o7777 == 0o640 and written.kept == ""
    seen = await host.facts.stat(str(path))
    assert seen is not None and (seen.owner, seen.group, seen.mode) == ("root", "root", "0640")
    await host.write_file(str(path), b"", change=f"{folder.name}-2", keep=False, **OWNED)
    assert path.read_bytes() == b"" and names(folder) == [path.name]


async def test_what_stood_there_is_set_aside_and_comes_back(host: HostConnection, folder: Path, site: Site) -> None:
    path, change = folder / "file", folder.name
    path.write_text("before")
    written = await host.write_file(str(path), b"after", change=change, keep=True, **OWNED)
    assert (written.kept, path.read_text()) == ("host", "after")
    assert (kept(site) / change).read_text() == "before"
    assert kept(site).stat().st_mode & 0o777 == 0o700
    again = await host.write_file(str(path), b"after", change=change, keep=True, **OWNED)
    assert again.kept == "host" and (kept(site) / change).read_text() == "before"  # not its own content
    await host.restore_kept(change, str(path), **{**OWNED, "mode": "0600"})
    assert path.read_text() == "before" and path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(HostFailure, match="nothing was set aside"):
        await host.restore_kept(f"{change}-none", str(path), **OWNED)
    assert path.read_text() == "before"


async def test_where_nothing_stood_a_second_try_sets_nothing_aside(host: HostConnection, folder: Path) -> None:
    for _ in range(2):
        written = await host.write_file(f"{folder}/new", b"x", change=folder.name, keep=True, **OWNED)
        assert written.kept == ""


async def test_a_link_is_replaced_and_a_folder_is_not(host: HostConnection, folder: Path) -> None:
    (folder / "target").write_text("target")
    (folder / "link").symlink_to("target")
    await host.write_file(f"{folder}/link", b"new", change=folder.name, keep=True, **OWNED)
    assert not (folder / "link").is_symlink() and (folder / "target").read_text() == "target"
    (folder / "sub").mkdir()
    for path, why in ((f"{folder}/sub", "is a folder"), (f"{folder}/none/x", "no folder"), ("relative", "absolute")):
        with pytest.raises(HostFailure, match=why):
            await host.write_file(path, b"x", change="c", **OWNED)
    with pytest.raises(HostFailure, match="mode"):
        await host.write_file(f"{folder}/x", b"x", change="c", mode="u+s", owner="root", group="root")


async def test_our_own_folder_is_made(host: HostConnection, site: Site) -> None:
    path = site.root / "var/lib/iris-migrate/proofs/x.json"
    await host.write_file(str(path), b"{}", change="proof", **{**OWNED, "mode": "0644"})
    assert path.read_text() == "{}" and path.parent.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("site", ["practice"], indirect=True)  # the programs of this machine are not replaced
@pytest.mark.parametrize("broken", ["chown", "sync", "mv", "head"])
async def test_what_fails_half_way_leaves_nothing(host: HostConnection, folder: Path, broken: str, site: Site) -> None:
    """A program that fails stands first on the host's PATH, as on a full disk."""
    path = folder / "file"
    path.write_text("before")
    places = await host.facts.shell("echo $PATH", root=True)
    place = Path(places.out.split(":")[0].strip())
    saved = (place / broken).read_bytes() if (place / broken).exists() else None
    (place / broken).unlink(missing_ok=True)
    (place / broken).write_text("#!/bin/sh\necho no space left on device >&2\nexit 1\n")
    (place / broken).chmod(0o755)
    try:
        if broken != "head":  # head also brings the script itself
            with pytest.raises(HostFailure, match="no space left on device"):
                await host.write_file(str(path), b"after", change=folder.name, keep=True, **OWNED)
        else:
            with pytest.raises(HostFailure):
                await host.write_file(str(path), b"after", change=folder.name, keep=True, **OWNED)
    finally:
        (place / broken).unlink()
        if saved is not None:
            (place / broken).write_bytes(saved)
            (place / broken).chmod(0o755)
    assert path.read_text() == "before" and names(folder) == ["file"]
    await host.write_file(str(path), b"after", change=folder.name, keep=True, **OWNED)
    assert path.read_text() == "after" and (kept(site) / folder.name).read_text() == "before"


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 64 KiB below the folder."""
    place = folder / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", place], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be made here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


async def test_a_full_disk_leaves_everything_as_it_was(host: HostConnection, small_disk: Path, folder: Path) -> None:
    path = small_disk / "file"
    path.write_text("before")
    with pytest.raises(HostFailure, match="No space left on device"):
        await host.write_file(str(path), b"x" * 100_000, change=folder.name, keep=True, **OWNED)
    assert path.read_text() == "before" and names(small_disk) == ["file"]
    (small_disk / "filler").write_bytes(b"x" * os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize)
    host.forget()
    seen, disk = await asyncio.gather(host.facts.text(str(path)), host.facts.filesystem(str(path)))
    assert seen == "before" and disk is not None and disk.available == 0  # looking needs no room


async def test_a_connection_cut_while_content_is_sent_loses_nothing(
    cuttable: HostConnection, proxy: Proxy, folder: Path
) -> None:
    path, content = folder / "file", os.urandom(12_000_000)
    path.write_text("before")
    writing = asyncio.create_task(cuttable.write_file(str(path), content, change=folder.name, keep=True, **OWNED))
    while not any(name.startswith(".iris-migrate.") for name in names(folder)):
        await asyncio.sleep(0.002)
    proxy.cut()
    written = await writing
    assert path.read_bytes() == content and written.kept == "host"
    async with asyncio.timeout(5):
        while names(folder) != ["file"]:
            await asyncio.sleep(0.02)


async def test_a_large_file_is_fetched_over_a_cut_connection(
    cuttable: HostConnection, proxy: Proxy, folder: Path
) -> None:
    content = os.urandom(6_000_000)
    (folder / "large").write_bytes(content)
    got = bytearray()
    proxy.bytes_down, proxy.cut_after = 0, [1_000_000, 2_000_000]
    digest = await cuttable.fetch(f"{folder}/large", got.extend)
    assert got == content and digest == hashlib.sha256(content).hexdigest() and proxy.cut_after == []
    with pytest.raises(HostFailure, match="cannot be fetched"):
        await cuttable.fetch(f"{folder}/none", got.extend)
