"""A job is started once, is watched, and goes on whatever becomes of us."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from iris_migrate.changes import HostCommand, HostScript
from iris_migrate.connections.host.connection import ConnectionEvent, HostConnection, Job
from iris_migrate.connections.host.errors import HostFailure
from tests.connections.host.conftest import Connect, Site
from tests.connections.host.proxy import Proxy


class Heard(list[str]):
    """Lines in the order in which they came, and an event for each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.news = asyncio.Event()
        self.batches = 0

    def __call__(self, lines: Sequence[str]) -> None:
        self.extend(lines)
        self.batches += 1
        self.news.set()

    async def until(self, line: str) -> None:
        while line not in self:
            self.news.clear()
            await self.news.wait()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def folder(site: Site, tmp_path: Path) -> Path:
    """A fresh folder on the host; its name makes the ids of a test's jobs."""
    made = site.files / tmp_path.name
    made.mkdir()
    return made


async def test_a_job_runs_and_tells_everything(host: HostConnection, folder: Path, heard: Heard) -> None:
    script = 'echo "$WORD"; echo err >&2; pwd; umask; cat; printf unfinished; exit 7'
    job = Job(
        id=folder.name, argv=("sh", "-c", script), root=True, cwd=str(folder), env={"WORD": "it's $HOME; \"x\""},
        stdin=b"from input\n",
    )  # fmt: skip
    result = await host.run(job, heard)
    assert heard == ['it\'s $HOME; "x"', "err", str(folder), "0022", "from input", "unfinished"]
    assert (result.status, result.state, result.attached) == (7, "ended", False)
    assert result.lines_tail == tuple(heard)


async def test_no_secret_is_on_a_command_line_or_left_behind(host: HostConnection, folder: Path, site: Site) -> None:
    secret, sent = "sk-in-the-environment", b"sk-on-standard-input"
    script = "cat >/dev/null; for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done 2>/dev/null"
    heard = Heard()
    await host.run(Job(id=folder.name, argv=("sh", "-c", script), env={"KEY": secret}, stdin=sent), heard)
    assert any("/proc/" in line for line in heard)
    assert not any(secret in line or sent.decode() in line for line in heard)
    left = [path for path in (site.root / "run/iris-migrate").rglob("*") if path.is_file()]
    assert left and not any(secret.encode() in path.read_bytes() or sent in path.read_bytes() for path in left)


async def test_a_script_runs_as_the_user_it_names(host: HostConnection, folder: Path, site: Site) -> None:
    if site.name == "practice":
        await host.run(Job(id=f"{folder.name}-user", argv=("useradd", "--system", "iris"), root=True), Heard())
    user = "iris" if site.name == "practice" else "nobody" if os.geteuid() == 0 else site.user
    heard = Heard()
    result = await host.run(Job(id=folder.name, script="id -un\necho '{\"a\": 1}'\n", user=user), heard)
    assert (heard, result.status) == ([user, '{"a": 1}'], 0)


async def test_changes_become_jobs() -> None:
    command = HostCommand(says="x", argv=("a", "b"), stdin="in", env={"A": "b"}, cwd="/x", timeout=5.0, root=True)
    script = HostScript(says="x", name="s", script="echo 1", user="iris")
    assert Job.of(command, "id1") == Job(
        id="id1", argv=("a", "b"), stdin=b"in", env={"A": "b"}, cwd="/x", timeout=5.0, root=True
    )
    assert Job.of(script, "id2") == Job(id="id2", script="echo 1", user="iris")


async def test_asked_again_it_is_not_run_again(host: HostConnection, folder: Path, heard: Heard) -> None:
    job = Job(id=folder.name, script=f"echo ran >>{folder}/runs; echo told")
    assert not await host.has_job(job.id)
    first = await host.run(job, Heard())
    again = await host.run(job, heard)
    assert (first.attached, again.attached) == (False, True)
    assert heard == ["told"] and again.status == 0 and (folder / "runs").read_text() == "ran\n"
    assert await host.has_job(job.id)
    rest = Heard()
    assert (await host.run(job, rest, offset=2)).read == 5 and rest == ["ld"]


async def test_two_programs_that_ask_for_the_same_job_run_it_once(connect: Connect, folder: Path) -> None:
    hosts = [connect() for _ in range(3)]
    for host in hosts:
        await host.open()
    job = Job(id=folder.name, script=f"echo ran >>{folder}/runs; seq 1 500; sleep 0.2; echo end")
    all_heard = [Heard() for _ in hosts]
    results = await asyncio.gather(*(host.run(job, heard) for host, heard in zip(hosts, all_heard, strict=True)))
    assert (folder / "runs").read_text() == "ran\n"
    assert sorted(result.attached for result in results) == [False, True, True]
    assert all(heard == [*map(str, range(1, 501)), "end"] for heard in all_heard)


async def test_a_connection_cut_in_the_middle_loses_nothing(
    cuttable: HostConnection, proxy: Proxy, folder: Path, heard: Heard, events: list[ConnectionEvent]
) -> None:
    script = f"""
        echo ran >>{folder}/runs
        for i in $(seq 1 60); do
            echo line $i
            case $i in 5|20|40) until [ -e {folder}/cut-$i ]; do sleep 0.02; done ;; esac
        done
        exit 5
    """
    running = asyncio.create_task(cuttable.run(Job(id=folder.name, script=script), heard))
    for number in (5, 20, 40):
        await heard.until(f"line {number}")
        proxy.cut()
        (folder / f"cut-{number}").touch()
    result = await running
    assert (result.status, result.state, result.attached) == (5, "ended", False)
    assert heard == [f"line {i}" for i in range(1, 61)]
    assert (folder / "runs").read_text() == "ran\n"
    assert [event.kind for event in events] == ["connected"] + ["lost", "back"] * 3


async def test_a_program_that_died_finds_its_job_again(connect: Connect, folder: Path) -> None:
    first, heard, rest = connect(), Heard(), Heard()
    await first.open()
    script = f"echo ran >>{folder}/runs; echo begun; while [ ! -e {folder}/go ]; do sleep 0.02; done; echo ended"
    running = asyncio.create_task(first.run(Job(id=folder.name, script=script), heard))
    await heard.until("begun")
    running.cancel()
    await first.close()
    (folder / "go").touch()
    second = connect()
    await second.open()
    result = await second.run(Job(id=folder.name, script=script), rest)
    assert (result.attached, result.status, rest) == (True, 0, ["begun", "ended"])
    assert (folder / "runs").read_text() == "ran\n"


async def test_cancel_ends_all_of_it_and_says_what(host: HostConnection, folder: Path, heard: Heard) -> None:
    running = asyncio.create_task(
        host.run(Job(id=folder.name, argv=("sh", "-c", "sleep 300 & echo begun; wait")), heard)
    )
    await heard.until("begun")
    said = await host.cancel(folder.name)
    assert said.startswith("ended by SIGTERM: ") and said.count("sleep (") == 1
    result = await running
    assert (result.state, result.status) == ("cancelled", 143)
    assert await host.cancel(folder.name) == "it had ended before"
    assert await host.cancel(f"{folder.name}-none") == "it was never started"


@pytest.mark.parametrize("site", ["practice"], indirect=True)  # it takes the seconds of grace
async def test_cancel_insists_where_it_is_not_heard(host: HostConnection, folder: Path, heard: Heard) -> None:
    script = "trap '' TERM; echo begun; while :; do sleep 1; done"
    running = asyncio.create_task(host.run(Job(id=folder.name, script=script, root=True), heard))
    await heard.until("begun")
    assert (await host.cancel(folder.name)).startswith("ended by SIGKILL: ")
    assert (await running).state == "cancelled"


async def test_a_job_that_takes_too_long_is_ended_on_the_host(host: HostConnection, folder: Path) -> None:
    result = await host.run(Job(id=folder.name, argv=("sleep", "300"), timeout=1.0), Heard())
    assert result.state == "timeout" and result.status == 124
    fails = await host.run(Job(id=f"{folder.name}-2", script="exit 124", timeout=60.0), Heard())
    assert (fails.state, fails.status) == ("ended", 124)


async def test_a_job_whose_host_went_down_is_interrupted(
    host: HostConnection, folder: Path, heard: Heard, site: Site
) -> None:
    running = asyncio.create_task(host.run(Job(id=folder.name, script="echo begun; sleep 300"), heard))
    await heard.until("begun")
    supervisor, _, group = map(int, (site.root / "run/iris-migrate" / folder.name / "pid").read_text().split())
    os.kill(supervisor, 9)
    os.killpg(group, 9)
    result = await running
    assert (result.state, result.status, result.lines_tail) == ("interrupted", None, ("begun",))
    again = await host.run(Job(id=folder.name, script="echo begun; sleep 300"), Heard())
    assert (again.state, again.attached) == ("interrupted", True)


async def test_output_of_any_size_and_kind(host: HostConnection, folder: Path) -> None:
    heard = Heard()
    result = await host.run(Job(id=folder.name, script="seq 1 1000000; head -c 8000000 /dev/zero >&2"), heard)
    assert heard[:1000000] == [str(i) for i in range(1, 1000001)] and result.status == 0
    assert heard.batches < 5000 and all(len(line) <= 16384 for line in heard) and result.read == 14888896
    odd = Heard()
    script = r"printf '\033[31mred\033[0m \377\n 10%%\r100%%\r\nlast'"
    await host.run(Job(id=f"{folder.name}-2", script=script), odd)
    assert odd == ["red \ufffd", "100%", "last"]


async def test_what_cannot_start_is_said(host: HostConnection, folder: Path, site: Site) -> None:
    with pytest.raises(HostFailure, match="cannot name a job"):
        await host.run(Job(id="../etc", script="true"), Heard())
    with pytest.raises(HostFailure, match="environment variable"):
        await host.run(Job(id=folder.name, script="true", env={"a b": "c"}), Heard())
    result = await host.run(Job(id=folder.name, argv=("no-such-program",)), heard := Heard())
    assert result.status == 127 and "no-such-program" in heard[0]


async def test_a_job_beside_a_look_where_one_channel_is_all(connect: Connect, site: Site, folder: Path) -> None:
    site.max_sessions(1)
    try:
        host, heard = connect(), Heard()
        await host.open()
        running = asyncio.create_task(
            host.run(Job(id=folder.name, script=f"echo begun; while [ ! -e {folder}/go ]; do sleep 0.02; done"), heard)
        )
        await heard.until("begun")
        assert await host.facts.stat(str(folder)) is not None
        assert [found.out for found in await asyncio.gather(*(host.facts.shell(f"echo {i}") for i in range(30)))] == [
            f"{i}\n" for i in range(30)
        ]
        await host.write_file(
            f"{folder}/go", b"", mode="0644", owner="root", group="root", change=folder.name, keep=False
        )
        assert (await running).status == 0
        await host.close()
    finally:
        site.max_sessions(10)
