"""Looking changes nothing on a real host: every file's content, mode, owner, mtime and ctime is what it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.host.site import Site

# What a host writes by itself, whoever looks: logs and the journal, what runs, what is no disk.
_OWN = "/proc /sys /dev /run /tmp /var/log /var/tmp"
# Memory that the processes of SQLite share, in which every reader leaves a mark: the service answers its health there.
_SHARED = "-name cache.db-shm"
_FILES = rf"""
set -- {_OWN}; out='{_SHARED} -o'; for place; do out="$out -path $place -o"; done
find / -xdev \( $out -false \) -prune -o -printf '%p\t%y %m %U:%G %s %T@ %C@ %l\n'
find / -xdev \( $out -false \) -prune -o -type f -exec sha256sum {{}} +
"""


def files(site: Site) -> set[str]:
    return set(site.said(_FILES).splitlines())


@pytest.fixture
def quiet(site: Site) -> Iterator[Site]:
    """The host with its timers stopped: what they start writes for reasons of its own."""
    timers = site.said(
        "systemctl list-units --type=timer --state=active --plain --no-legend | awk '{print $1}'"
    ).split()
    site.said(f"systemctl stop {' '.join(timers)}")
    try:
        yield site
    finally:
        site.said(f"systemctl start {' '.join(timers)}")


@pytest.mark.parametrize("checklist", ["lambda-to-ec2", "monitoring"])
def test_looking_leaves_every_file_as_it_was(quiet: Site, checklist: str) -> None:
    before = files(quiet)
    done = quiet.program("verify", checklist, "--format", "json")
    assert {"holds"} <= set(done.statuses.values()), done.why()
    after = files(quiet)
    assert sorted(before ^ after)[:20] == []
    assert len(before) > 10_000


def test_the_digest_sees_a_touch(quiet: Site) -> None:
    before = files(quiet)
    quiet.said("chmod 0640 /etc/hostname && chmod 0644 /etc/hostname")
    assert {line.split("\t")[0] for line in before ^ files(quiet)} == {"/etc/hostname"}, (
        "mode and mtime are the same again"
    )
