"""Every fact against real commands, and how facts travel together."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import http.server
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iris_migrate.connections.host.connection import HostConnection, Job
from iris_migrate.target import Listener, Unreadable
from tests.connections.host.conftest import Connect, Site
from tests.connections.host.proxy import Proxy


@pytest.fixture
def folder(site: Site, tmp_path: Path) -> Path:
    """A fresh folder on the host."""
    made = site.files / tmp_path.name
    made.mkdir()
    return made


# Files


async def test_stat_of_all_kinds(host: HostConnection, folder: Path) -> None:
    file = folder / "a file; with $(odd) 'name'"
    file.write_bytes(b"12345")
    file.chmod(0o2640)
    os.utime(file, (1_700_000_000, 1_700_000_000.25))
    (folder / "link").symlink_to("a target -> with arrow")
    os.mkfifo(folder / "fifo")
    seen = await asyncio.gather(
        *(host.facts.stat(str(folder / name)) for name in (file.name, "link", "fifo", "nothing", "link/below")),
        host.facts.stat(str(folder)), host.facts.stat(f"{file}/below"),
    )  # fmt: skip
    assert seen[0] is not None and (seen[0].kind, seen[0].mode, seen[0].size) == ("file", "2640", 5)
    assert seen[0].mtime == pytest.approx(1_700_000_000.25, abs=0.001)
    assert seen[1] is not None and (seen[1].kind, seen[1].link) == ("link", "a target -> with arrow")
    assert seen[2] is not None and seen[2].kind == "other"
    assert seen[5] is not None and seen[5].kind == "directory"
    assert (seen[3], seen[4], seen[6]) == (None, None, None)
    assert host.batches == 1


async def test_digest_and_text(host: HostConnection, folder: Path) -> None:
    contents = {"plain": b"one\ntwo", "empty": b"", "back\\slash": b"x\n", "big": b"y" * 65537, "binary": b"a\0b"}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "link").symlink_to("plain")
    os.mkfifo(folder / "fifo")  # opening it would hang
    names = [*contents, "link", "nothing", "fifo", "."]
    digests = await asyncio.gather(*(host.facts.digest(f"{folder}/{name}") for name in names), return_exceptions=True)
    texts = await asyncio.gather(*(host.facts.text(f"{folder}/{name}") for name in names), return_exceptions=True)
    assert digests[:6] == [hashlib.sha256(content).hexdigest() for content in [*contents.values(), b"one\ntwo"]]
    assert digests[6] is None and "fifo" in str(digests[7]) and "directory" in str(digests[8])
    assert texts[:3] == ["one\ntwo", "", "x\n"] and texts[5] == "one\ntwo" and texts[6] is None
    assert "larger than 64 KiB" in str(texts[3]) and "not text" in str(texts[4])
    assert "fifo" in str(texts[7]) and "directory" in str(texts[8])


async def test_control_sequences_do_not_come_through(host: HostConnection, folder: Path) -> None:
    (folder / "hostile").write_bytes(b"\x1b]0;owned\x07title \x1b[2Jcleared \xc2\x9b31mred\r\n")
    (folder / "name\x1b[31m").touch()
    assert await host.facts.text(f"{folder}/hostile") == "title cleared red\n"
    assert await host.facts.names(str(folder)) == ("hostile", "name")
    probe = await host.facts.shell(r"printf '\033[31mred\033]0;x\007'; printf '\033[1mbold' >&2")
    assert (probe.out, probe.err) == ("red", "bold")


async def test_names_and_newest(host: HostConnection, folder: Path) -> None:
    for name, at in (("b", 10), ("a", 20), ("sub/c", 30), ("sub/__pycache__/d", 40), (".git/e", 50)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
        os.utime(folder / name, (at, at))
    (folder / "empty").mkdir()
    facts = host.facts
    assert await facts.names(str(folder)) == (".git", "a", "b", "empty", "sub")
    assert await facts.names(f"{folder}/empty") == ()
    assert await facts.names(f"{folder}/none") is None
    with pytest.raises(Unreadable, match="not a directory"):
        await facts.names(f"{folder}/a")
    newest = await asyncio.gather(
        facts.newest(str(folder)), facts.newest(f"{folder}/a", f"{folder}/b"), facts.newest(f"{folder}/b"),
        facts.newest(f"{folder}/none"), facts.newest(f"{folder}/empty"), facts.newest(f"{folder}/b", f"{folder}/none"),
    )  # fmt: skip
    assert newest == [30, 20, 10, None, None, 10]


async def test_whether_a_file_is_exactly_this(host: HostConnection, folder: Path, site: Site) -> None:
    content = bytes(range(256)) * 40
    (folder / "secret").write_bytes(content)
    seen = await asyncio.gather(
        host.matches(f"{folder}/secret", content), host.matches(f"{folder}/secret", content[:-1]),
        host.matches(f"{folder}/none", content), host.matches(f"{folder}/none", b""),
    )  # fmt: skip
    assert seen == [True, False, False, False]


async def test_what_is_compared_is_on_no_command_line(host: HostConnection, folder: Path) -> None:
    """The file takes a while to read; meanwhile every command line of this machine is read."""
    secret = b"sk-not-a-real-key-but-nobody-may-see-it"
    (folder / "secret").write_bytes(os.urandom(64 << 20))
    asking = asyncio.create_task(host.matches(f"{folder}/secret", secret))
    rounds = 0
    while not asking.done():
        for place in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    seen = (place / name).read_bytes()
                    assert secret not in seen and base64.b64encode(secret) not in seen
        rounds += 1
        await asyncio.sleep(0)
    assert not await asking and rounds > 1


async def test_relative_and_broken_paths_are_refused(host: HostConnection) -> None:
    for path in ("etc/passwd", "/a\nb", "/a\0b", ""):
        with pytest.raises(Unreadable, match="absolute path"):
            await host.facts.stat(path)
    assert host.batches == 0


# The system


async def test_process_and_its_children_and_variables(host: HostConnection) -> None:
    with subprocess.Popen(
        ["sh", "-c", "sleep 60 & wait"],
        env={"PATH": os.environ["PATH"], "PASSWORD": "hush", "EMPTY": "", "LINES": "a\nb=c"},
    ) as parent:  # fmt: skip
        try:
            while not (child := Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()):
                await asyncio.sleep(0.01)
            state, names, clock = await asyncio.gather(
                host.facts.process(parent.pid), host.facts.variables(parent.pid), host.facts.clock()
            )
            assert state is not None and [pid for pid, _ in state.children] == [int(child[0])]
            assert 0 <= clock.boot - state.started < 60
            assert names is not None and {"PATH", "PASSWORD", "EMPTY", "LINES"} <= set(names) and "b" not in names
        finally:
            os.kill(int(child[0]), 15)
    host.forget()
    assert await host.facts.process(parent.pid) is None
    assert await host.facts.variables(parent.pid) is None


async def test_clock_and_os_and_filesystem(host: HostConnection, site: Site) -> None:
    clock, release, disk, absent = await asyncio.gather(
        host.facts.clock(), host.facts.os(), host.facts.filesystem(str(site.files)),
        host.facts.filesystem("/none/of/it"),
    )  # fmt: skip
    assert abs(clock.wall - time.time()) < 60 and clock.boot > 0 and len(clock.boot_id) == 36
    assert release.version == "1" and release.id and release.name
    told = os.statvfs(site.files)
    assert disk is not None and disk.size == told.f_blocks * told.f_frsize and not disk.read_only
    assert disk.mount.startswith("/") and disk.inodes_free > 0 and absent is None


async def test_listening(host: HostConnection, site: Site) -> None:
    found = await host.facts.listening()
    ours = [item for item in found if item.port == site.port]
    assert ours and isinstance(ours[0], Listener) and ours[0].address == "127.0.0.1" and ours[0].pid > 0


async def test_packages(host: HostConnection, site: Site) -> None:
    said = await host.facts.shell(
        "dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\\n' | grep '^ii' | head -1"
    )
    _, name, version = said.out.split() if said.out else ("", "", "")
    if name:
        assert await host.facts.package(name) == version
    assert await host.facts.package("no-such-package") is None
    with pytest.raises(Unreadable):
        await host.facts.package("../etc/passwd *")


async def test_units(host: HostConnection, site: Site) -> None:
    if site.name == "sshd":
        with pytest.raises(
            Unreadable, match="systemd"
        ):  # this machine has no systemd; it says so, and nothing is guessed
            await host.facts.unit("ssh")
        return
    ssh, none = await asyncio.gather(host.facts.unit("ssh"), host.facts.unit("none.service"))
    assert (ssh.name, ssh.load, ssh.active, ssh.sub) == ("ssh.service", "loaded", "active", "running")
    assert ssh.main_pid > 0 and ssh.fragment.endswith("ssh.service") and not ssh.needs_reload
    assert (none.load, none.active, none.main_pid) == ("not-found", "inactive", 0)
    with pytest.raises(Unreadable):
        await host.facts.unit("ssh.service; reboot")


async def test_a_checkout(host: HostConnection, folder: Path) -> None:
    if not (await host.facts.shell("command -v git")).out:  # a practice host has what was installed on it
        await host.run(Job(id="git", script="apt-get update && apt-get install -y git", root=True), lambda lines: None)
    work = folder / "work"
    git = ["git", "-C", str(work), "-c", "user.name=T", "-c", "user.email=t@example.com"]
    work.mkdir()
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    (work / "a file").write_text("1")
    (work / "b").write_text("1")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    subprocess.run([*git, "remote", "add", "origin", "https://example.com/app.git"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    (work / "a file").write_text("2")
    (work / "untracked").touch()
    (work / "sub").mkdir()
    seen, absent, plain, below = await asyncio.gather(
        host.facts.git(str(work)), host.facts.git(f"{folder}/none"), host.facts.git(str(folder)),
        host.facts.git(f"{work}/sub"),
    )  # fmt: skip
    assert seen is not None
    assert (seen.commit, seen.branch, seen.origin) == (head, "main", "https://example.com/app.git")
    assert seen.changed == ("a file",)
    assert (absent, plain, below) == (None, None, None)


# Requests from the host


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"z" * 200_000 if self.path == "/long" else json.dumps({"key": self.headers.get("x-api-key")}).encode()
        self.send_response(418 if self.path == "/odd" else 200)
        self.send_header("Content-Type", "text/plain" if self.path == "/long" else "application/json")
        self.send_header("X-Odd", "caf\x1b[31m")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_http_from_the_host(host: HostConnection, web: str) -> None:
    plain, odd, long, nobody = await asyncio.gather(
        host.facts.http(f"{web}/", headers={"X-Api-Key": 'a "quoted" \\ key'}), host.facts.http(f"{web}/odd"),
        host.facts.http(f"{web}/long"), host.facts.http("http://127.0.0.1:1/"),
    )  # fmt: skip
    assert (plain.status, plain.body) == (200, {"key": 'a "quoted" \\ key'})
    assert plain.headers["x-odd"] == "caf" and plain.seconds > 0
    assert odd.status == 418 and (long.status, len(long.body)) == (200, 65536)
    assert nobody.status == 0 and "connect" in nobody.error.lower()
    with pytest.raises(Unreadable, match="line end"):
        await host.facts.http(f"{web}/", headers={"X": "a\noutput = /etc/passwd"})
    seen = await host.facts.http("file:///etc/passwd")
    assert seen.status == 0 and seen.error


# Free probes


async def test_a_free_probe_tells_status_output_and_errors(host: HostConnection) -> None:
    probe = await host.facts.shell("echo out; echo err >&2; cat; exit 3")
    assert (probe.status, probe.out, probe.err) == (3, "out\n", "err\n")


async def test_root_and_login_user_look_as_themselves(host: HostConnection, site: Site) -> None:
    mine, roots = await asyncio.gather(host.facts.shell("id -un"), host.facts.shell("id -un", root=True))
    assert (mine.out.strip(), roots.out.strip()) == (site.user, "root")
    assert host.batches == 1


async def test_probes_that_misbehave_do_no_harm_to_the_others(connect: Connect) -> None:
    host = connect(limit=1.0)
    await host.open()
    scripts = {
        "hung": "sleep 30", "deaf": "trap '' TERM; sleep 30 & wait; sleep 30",
        "long": "head -c 50000000 /dev/zero | tr '\\0' x",
        "errors": "head -c 8000000 /dev/zero | tr '\\0' e >&2; echo done", "binary": "printf 'a\\0b\\377c'",
        "killed": "kill -s KILL $$", "forged": "echo 'x e YQ=='; echo end",
        "fine": "echo fine", "reads": "read x; echo $x.",
        "huge": ": '" + "x" * 50_000 + "'; echo huge",
    }  # fmt: skip
    asked = [(script, root) for script in scripts.values() for root in (False, True)]
    answers = await asyncio.gather(*(host.facts.shell(s, root=r) for s, r in asked), return_exceptions=True)
    seen: dict[tuple[str, bool], Any] = {
        (name, root): answers[2 * i + root] for i, name in enumerate(scripts) for root in (False, True)
    }
    for root in (False, True):
        assert isinstance(seen["hung", root], Unreadable) and "no answer in 1 s" in str(seen["hung", root])
        assert isinstance(seen["deaf", root], Unreadable)
        assert seen["long", root].out == "x" * 65536
        assert seen["errors", root].err and set(seen["errors", root].err) == {"e"}
        assert seen["binary", root].out == "ab\ufffdc"
        assert isinstance(seen["killed", root], Unreadable) or seen["killed", root].status > 128
        assert seen["forged", root].out == "x e YQ==\nend\n" and seen["fine", root].out == "fine\n"
        assert seen["reads", root].out == ".\n" and seen["huge", root].out == "huge\n"
    host.forget()
    assert (await host.facts.shell("echo again")).out == "again\n"


async def test_a_probe_that_leaves_a_child_holding_its_output_is_given_up(connect: Connect) -> None:
    host = connect(limit=0.5)
    await host.open()
    escaped, fine = await asyncio.gather(
        host.facts.shell("setsid sleep 5 & echo begun"), host.facts.shell("echo fine"), return_exceptions=True
    )
    assert isinstance(escaped, Unreadable) and not isinstance(fine, BaseException) and fine.out == "fine\n"
    host.forget()
    assert (await host.facts.shell("echo again")).out == "again\n"


async def test_what_is_left_looking_ends_with_the_connection(connect: Connect, folder: Path) -> None:
    host = connect()
    await host.open()
    probe = f"echo $$ >{folder}/pid; sleep 300"
    asking = asyncio.gather(
        host.facts.shell(probe), host.facts.shell(probe.replace("/pid", "/root"), root=True), return_exceptions=True
    )
    while not all((folder / name).exists() and (folder / name).read_text() for name in ("pid", "root")):
        await asyncio.sleep(0.01)
    pids = [int((folder / name).read_text()) for name in ("pid", "root")]
    await host.close()
    answers = await asking
    assert all(isinstance(answer, Unreadable) for answer in answers)
    async with asyncio.timeout(5):
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            await asyncio.sleep(0.02)


# How facts travel


async def test_facts_asked_at_the_same_time_are_one_batch(host: HostConnection) -> None:
    async def inspect(number: int) -> None:
        await host.facts.stat(f"/none/{number}")
        await asyncio.gather(host.facts.digest(f"/none/{number}"), host.facts.package(f"none-{number}"))

    await asyncio.gather(*(inspect(number) for number in range(60)))
    assert host.batches == 2


async def test_what_is_asked_during_a_batch_goes_with_the_next(connect: Connect, site: Site) -> None:
    proxy = await Proxy(site.port, delay=0.04).start()
    host = connect(port=proxy.port)
    await host.open()

    async def inspect(number: int) -> None:
        await asyncio.sleep(number * 0.005)  # an AWS read of up to 200 ms
        await host.facts.stat(f"/none/{number}")

    await asyncio.gather(*(inspect(number) for number in range(40)))
    assert host.batches <= 3
    await host.close()
    await proxy.stop()


async def test_an_old_batch_holds_nothing_back(host: HostConnection, folder: Path) -> None:
    slow = asyncio.create_task(host.facts.shell(f"while [ ! -e {folder}/go ]; do sleep 0.05; done; echo slow"))
    while host.batches == 0:
        await asyncio.sleep(0.01)
    assert await host.facts.stat(f"{folder}/none") is None
    assert not slow.done()
    (folder / "go").touch()
    assert (await slow).out == "slow\n"
    assert host.batches == 2


async def test_answers_are_handed_on_as_they_come(host: HostConnection, folder: Path) -> None:
    slow = asyncio.create_task(host.facts.shell(f"while [ ! -e {folder}/go ]; do sleep 0.05; done"))
    fast = asyncio.create_task(host.facts.stat(f"{folder}/none"))
    assert await fast is None and not slow.done() and host.batches == 1
    (folder / "go").touch()
    await slow


async def test_a_fact_is_asked_once_in_an_inspection(host: HostConnection, folder: Path) -> None:
    path = folder / "file"
    assert await asyncio.gather(*(host.facts.stat(str(path)) for _ in range(5))) == [None] * 5
    path.touch()
    assert await host.facts.stat(str(path)) is None and host.batches == 1
    host.forget()
    assert await host.facts.stat(str(path)) is not None and host.batches == 2


async def test_more_than_fits_one_command_line(host: HostConnection) -> None:
    long = "x" * 200
    answers = await asyncio.gather(*(host.facts.stat(f"/none/{long}/{number}") for number in range(700)))
    assert answers == [None] * 700 and host.batches == 1


async def test_a_connection_lost_in_a_batch_is_made_again(cuttable: HostConnection, proxy: Proxy, folder: Path) -> None:
    asking = asyncio.gather(
        cuttable.facts.stat(str(folder)), cuttable.facts.shell(f"echo x >>{folder}/ran; sleep 0.3; echo told")
    )
    while not (folder / "ran").exists():
        await asyncio.sleep(0.01)
    proxy.cut()
    stat, probe = await asking
    assert stat is not None and probe.out == "told\n"


async def test_a_host_that_stays_away_is_unreadable(cuttable: HostConnection, proxy: Proxy, folder: Path) -> None:
    asking = asyncio.create_task(cuttable.facts.shell(f"echo x >>{folder}/ran; sleep 30"))
    while not (folder / "ran").exists():
        await asyncio.sleep(0.01)
    proxy.refusing = True
    proxy.cut()
    with pytest.raises(Unreadable):
        await asking


async def test_a_cancelled_question_leaves_the_others(host: HostConnection, folder: Path) -> None:
    one = asyncio.create_task(host.facts.shell("sleep 0.2; echo one"))
    two = asyncio.create_task(host.facts.shell("sleep 0.2; echo one"))
    while host.batches == 0:
        await asyncio.sleep(0.01)
    one.cancel()
    assert (await two).out == "one\n"
