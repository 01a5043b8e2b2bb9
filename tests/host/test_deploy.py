"""Deploying under load, counted by tools of others: what was sent was answered with 200, forward and back."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.host.site import Site, body_of

SENT, RATE, CLIENTS = 2400, 10, 8  # cached answers; hey's rate is per client: 80 a second
SLOW_EACH, SLOW_AT_ONCE = 4, 3  # model calls, each of them slow
_STATUS = re.compile(r"\[(\d{3})\]\s+(\d+) responses")


@pytest.fixture(autouse=True)
def without_limits_and_back(site: Site) -> Iterator[None]:
    with site.unlimited():
        yield
    good = site.control("")["commits"]["good"]
    site.said(f"iris-deploy {good}")
    done = site.migrate()
    assert done.status == 0, done.why()


@contextmanager
def load(site: Site, folder: Path) -> Iterator[dict[int, int]]:
    """Both kinds of requests while the body runs and some time after; afterwards the statuses, counted by the tools."""
    counted: dict[int, int] = {}
    cached = folder / "cached.json"
    cached.write_text(json.dumps(body_of("asked_under_load")))
    assert site.analyse("asked_under_load")[0] == 200
    assert site.control("model", {"delay_ms": 2500})["delay_ms"] == 2500
    hey = subprocess.Popen(
        ["hey", "-n", str(SENT), "-c", str(CLIENTS), "-q", str(RATE), "-t", "60", "-m", "POST", "-D", str(cached),
         "-T", "application/json", "-H", f"x-api-key: {site.world.env['IRIS_API_KEYS']}", "-host", site.domain,
         f"https://{site.address}/api/iris/analyze"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    slow = [_slow_caller(site, folder, number) for number in range(SLOW_AT_ONCE)]
    try:
        yield counted
        said = hey.communicate(timeout=240)[0]
        counted |= {int(status): int(count) for status, count in _STATUS.findall(said)}
        assert "Error distribution" not in said, said[said.index("Error distribution") :]
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))  # type: ignore[union-attr]
        print(f"\ncached answers: {counted} at {rate:.0f} a second")
        for caller in slow:
            out = caller.communicate(timeout=240)[0].split()
            assert out == ["200"] * SLOW_EACH, (out, counted)
        print(f"slow model calls: {SLOW_EACH * SLOW_AT_ONCE}, all 200")
    finally:
        for process in [hey, *slow]:
            process.kill()
            process.wait()
        site.control("model", {"delay_ms": 0})


def _slow_caller(site: Site, folder: Path, number: int) -> subprocess.Popen[str]:
    """curl, asking one new analysis after the other. Its arguments are in a file: a key is in them."""
    asked = []
    for turn in range(SLOW_EACH):
        body = folder / f"slow-{number}-{turn}.json"
        body.write_text(json.dumps(body_of(f"slow_{folder.name.replace('-', '_')}_{number}_{turn}")))
        asked.append(
            f'url = "https://{site.domain}/api/iris/analyze"\nresolve = "{site.domain}:443:{site.address}"\n'
            f'cacert = "{site.settings["tls.ca"]}"\nheader = "Content-Type: application/json"\n'
            f'header = "x-api-key: {site.world.env["IRIS_API_KEYS"]}"\ndata = "@{body}"\n'
            f'output = "/dev/null"\nwrite-out = "%{{http_code}}\\n"\nsilent\nmax-time = 120\n'
        )
    config = folder / f"slow-{number}.curl"
    config.write_text("next\n".join(asked))
    return subprocess.Popen(["curl", "--config", str(config)], stdout=subprocess.PIPE, text=True)


def test_a_good_commit_goes_live_without_losing_a_request(site: Site, tmp_path: Path) -> None:
    wanted = site.control("")["commits"]["next"]
    with load(site, tmp_path) as counted:
        done = site.run(f"iris-deploy {wanted}")
    assert done.status == 0, done.out + done.err
    assert counted == {200: SENT}
    assert site.said("git -c safe.directory='*' -C /opt/iris rev-parse HEAD") == wanted


def test_a_broken_commit_is_put_back_without_losing_a_request(site: Site, tmp_path: Path) -> None:
    before = site.said("git -c safe.directory='*' -C /opt/iris rev-parse HEAD")
    with load(site, tmp_path) as counted:
        done = site.run(f"iris-deploy {site.control('')['commits']['bad']}")
    assert done.status == 1, done.out + done.err
    assert "broken on purpose" in done.out + done.err
    assert counted == {200: SENT}
    assert site.said("git -c safe.directory='*' -C /opt/iris rev-parse HEAD") == before
    assert site.healthy()
