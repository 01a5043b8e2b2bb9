"""Where the logs are: files that rotate under load, and a live journal that loses no line."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.host.site import SERVICE, Site

LOG = "/var/log/iris/access.log"


class Requests:
    """Asks for a cached answer again and again; keeps every status."""

    def __init__(self, site: Site) -> None:
        self._site, self._end = site, threading.Event()
        self.statuses: list[int] = []

    @contextmanager
    def going(self) -> Iterator[Requests]:
        threads = [threading.Thread(target=self._ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._end.set()
            for thread in threads:
                thread.join()

    def _ask(self) -> None:
        while not self._end.is_set():
            try:
                self.statuses.append(self._site.analyse("asked_often")[0])
            except OSError:
                self.statuses.append(0)


def written(site: Site) -> list[str]:
    """The files that the service's processes have open."""
    pids = site.said("pgrep -f '[v]env/bin/gunicorn'").split()
    return site.said(f"readlink {' '.join(f'/proc/{pid}/fd/*' for pid in pids)} || true").splitlines()


@pytest.fixture
def files(site: Site) -> Iterator[None]:
    """The service writes log files; afterwards to the journal again."""
    done = site.migrate("--set", "logs=files")
    assert done.status == 0, done.why()
    with site.unlimited():
        yield
    back = site.migrate()
    assert back.status == 0, back.why()


def test_files_are_rotated_and_no_request_fails(site: Site, files: None) -> None:
    assert site.analyse("asked_often")[0] == 200
    before = site.said(f"stat -c %i {LOG}")
    with Requests(site).going() as requests:
        site.until(lambda: len(requests.statuses) > 20, "requests before the rotation")
        site.said("logrotate --force /etc/logrotate.d/iris")
        at_rotation = len(requests.statuses)
        site.until(lambda: site.said(f"stat -c %i {LOG}") != before, "another file")
        site.until(lambda: len(requests.statuses) > at_rotation + 50, "requests after the rotation")
        size = int(site.said(f"stat -c %s {LOG}"))
        site.until(lambda: int(site.said(f"stat -c %s {LOG}")) > size, "gunicorn writes to the new file")
    assert set(requests.statuses) == {200}
    old = site.said(f"ls /var/log/iris/ && stat -c '%i %n' {LOG}*")
    assert any(line.startswith(f"{before} ") for line in old.splitlines()), old
    assert LOG in written(site) and f"{LOG}.1" not in written(site)


def test_the_journal_is_full_of_requests_and_limited(site: Site) -> None:
    assert site.analyse("seen_in_the_journal")[0] == 200
    entry = f"journalctl -u {SERVICE} -o cat --since -1min | grep -c '/api/iris/analyze' || true"
    site.until(lambda: int(site.said(entry)) > 0, "the request in the journal")
    limits = site.said("systemd-analyze cat-config systemd/journald.conf | grep -E '^(SystemMaxUse|MaxRetentionSec)='")
    assert dict(line.split("=") for line in limits.splitlines()) == {
        "SystemMaxUse": "300M", "MaxRetentionSec": "30day",
    }  # fmt: skip
    assert not [path for path in written(site) if path.startswith("/var/log/")]
