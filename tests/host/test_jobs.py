"""Jobs on a real host: whatever becomes of the connection, the program or sshd, each runs once and tells everything."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from iris_migrate.connections.host.connection import HostConnection, Job, JobResult
from tests.host.connections import Heard, connected, proxied
from tests.host.site import Site

PACKAGE = "jq"  # small, with two libraries of its own, needed by nothing here
LIMIT = "/etc/ssh/sshd_config.d/10-sessions.conf"


@pytest.fixture
def identity() -> str:
    return f"test-{secrets.token_hex(6)}"


def whole_output(site: Site, identity: str) -> list[str]:
    """What the job has written, as it lies on the host; of a line that was written over, the last."""
    written = site.said(f"cat /run/iris-migrate/{identity}/out*").split("\n")
    return [line.rstrip("\r").rpartition("\r")[2] for line in written]


async def test_apt_goes_on_when_the_connection_is_cut(site: Site, tmp_path: Path, identity: str) -> None:
    await asyncio.to_thread(site.said, f"apt-get purge --yes --autoremove {PACKAGE} || true")
    told = f"grep -c '^Commandline: apt-get install --yes --no-install-recommends {PACKAGE}' /var/log/apt/history.log"
    before = int(await asyncio.to_thread(site.said, f"{told} || true"))
    argv = ("apt-get", "install", "--yes", "--no-install-recommends", PACKAGE)
    job = Job(id=identity, argv=argv, root=True, env={"DEBIAN_FRONTEND": "noninteractive"})
    heard = Heard()
    async with proxied(site) as proxy, connected(site, tmp_path, proxy.port) as host:
        result = await cut_at(host, job, heard, proxy.cut, "NEW packages")
    assert result.status == 0
    assert heard == await asyncio.to_thread(whole_output, site, identity)
    assert await asyncio.to_thread(site.said, f"dpkg-query -W -f '${{db:Status-Abbrev}}' {PACKAGE}") == "ii"
    assert int(await asyncio.to_thread(site.said, told)) == before + 1


async def test_pip_goes_on_when_sshd_is_restarted_and_all_sessions_end(
    site: Site, tmp_path: Path, identity: str
) -> None:
    venv = f"/root/{identity}"
    await asyncio.to_thread(site.said, f"python3 -m venv {venv}")
    script = f"echo ran >>{venv}/runs\n{venv}/bin/python -m pip install --no-cache-dir --progress-bar off flask\n"

    def restart() -> None:
        site.said("systemctl restart ssh.service; (sleep 0.2; pkill -KILL -f '^sshd: admin') >/dev/null 2>&1 &")

    heard = Heard()
    async with connected(site, tmp_path) as host:
        result = await cut_at(host, Job(id=identity, script=script, root=True), heard, restart, "Collecting")
    assert result.status == 0
    assert heard == await asyncio.to_thread(whole_output, site, identity)
    assert any(line.startswith("Successfully installed") for line in heard)
    assert await asyncio.to_thread(site.said, f"cat {venv}/runs; rm -rf {venv}") == "ran"


async def test_one_session_is_enough(site: Site, tmp_path: Path, identity: str, one_session: None) -> None:
    script = "for n in 1 2 3; do echo $n; sleep 0.3; done"
    heard = Heard()
    async with connected(site, tmp_path) as host:
        working = asyncio.create_task(host.run(Job(id=identity, script=script, root=True), heard))
        await heard.until("1")
        seen = await asyncio.gather(*(host.facts.stat(f"/etc/{name}") for name in ("passwd", "group", "hosts")))
        result = await working
    assert all(item is not None and item.kind == "file" for item in seen)
    assert (list(heard), result.status) == (["1", "2", "3"], 0)


def test_a_killed_program_is_gone_on_with(site: Site, tmp_path: Path, identity: str) -> None:
    runs = f"/root/{identity}.runs"
    script = f"echo ran >>{runs}; echo begun; sleep 3; seq 1 2000; echo ended"
    ready = tmp_path / "ready.json"
    ready.write_text(json.dumps(dict(site.world.ready)))
    command = [sys.executable, "-m", "tests.host.one_job", str(ready), str(tmp_path), identity, script]
    killed = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "begun\n"
    killed.kill()
    killed.communicate()
    again = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert again.stdout.splitlines() == ["begun", *map(str, range(1, 2001)), "ended"]
    assert site.said(f"cat {runs}; rm {runs}") == "ran"


@pytest.fixture
def one_session(site: Site) -> Iterator[None]:
    site.put(LIMIT, "MaxSessions 1\n")
    site.said("sshd -t && systemctl reload ssh.service")
    site.until(lambda: site.said("true") == "", "sshd answers after its reload")
    yield
    site.said(f"rm {LIMIT} && systemctl reload ssh.service")
    site.until(lambda: site.said("true") == "", "sshd answers after its reload")


async def cut_at(host: HostConnection, job: Job, heard: Heard, cut: object, word: str) -> JobResult:
    """Run a job, and do something to the connection as soon as a word was heard."""
    assert callable(cut)
    working = asyncio.create_task(host.run(job, heard))
    await heard.until(word)
    await asyncio.to_thread(cut)
    return await working
