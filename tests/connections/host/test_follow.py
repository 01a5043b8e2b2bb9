"""Following loses no line and tells none twice, whatever becomes of the connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iris_migrate.connections.host.connection import ConnectionEvent, File, HostConnection, Job, Journal, Line
from iris_migrate.connections.host.errors import HostFailure
from iris_migrate.connections.host.journal import entries
from tests.connections.host.conftest import Connect, Site
from tests.connections.host.proxy import Proxy
from tests.connections.host.sshd import Sshd


class Reader:
    """Reads a follow in the background, and waits for how much it has."""

    def __init__(self, host: HostConnection, *sources: Journal | File) -> None:
        self.lines: list[Line] = []
        self.batches = 0
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._read(host, sources))

    async def _read(self, host: HostConnection, sources: tuple[Journal | File, ...]) -> None:
        following = host.follow(*sources)
        try:
            async for batch in following:
                self.lines += batch
                self.batches += 1
                self._news.set()
        finally:
            await following.aclose()

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(20):
            while len(self.lines) < count:
                self._news.clear()
                done, _ = await asyncio.wait(
                    {asyncio.create_task(self._news.wait()), self._task}, return_when="FIRST_COMPLETED"
                )
                if self._task in done:
                    self._task.result()
        return self.texts

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
async def read() -> AsyncIterator[Callable[..., Reader]]:
    made: list[Reader] = []

    def start(host: HostConnection, *sources: Journal | File) -> Reader:
        made.append(Reader(host, *sources))
        return made[-1]

    yield start
    for reader in made:
        await reader.close()


def running(word: str) -> list[str]:
    """The command lines of this machine that hold a word."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = place.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found


# The journal: the practice host's, asked through its own server and through a real one


@pytest.fixture(scope="session")
def journal_sshd(openssh: None, practice_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = practice_site.root
    server = Sshd(tmp_path_factory.mktemp("journal"), path=f"{root}/stand-ins:{root}/.practice/bin")
    yield replace_site(practice_site, server)
    server.stop()


def replace_site(site: Site, server: Sshd) -> Site:
    return replace(
        site, name="sshd", port=server.port, user=server.user, key=server.key, fingerprint=server.fingerprint()
    )


@pytest.fixture
def journal_site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue({"practice": "practice_site", "sshd": "journal_sshd"}[request.param])
    return found


class Talker:
    """A unit that writes to the journal what is written to a file."""

    def __init__(self, folder: Path, name: str) -> None:
        self.unit, self._file, self._said = f"{name}.service", folder / "said", 0
        self._file.touch()
        self._text = f"[Service]\nExecStart=/usr/bin/tail -n +1 -s 0.01 -f {self._file}\n"

    async def start(self, host: HostConnection, root: Path) -> None:
        (root / "etc/systemd/system" / self.unit).write_text(self._text)
        script = f"systemctl daemon-reload && systemctl start {self.unit}"
        assert (await host.run(Job(id=self.unit, script=script, root=True), lambda lines: None)).status == 0

    async def stop(self, host: HostConnection) -> None:
        await host.run(Job(id=f"{self.unit}-stop", script=f"systemctl stop {self.unit}", root=True), lambda lines: None)

    def say(self, *texts: str) -> None:
        with self._file.open("a") as file:
            file.write("".join(f"{text}\n" for text in texts))


on_both = pytest.mark.parametrize(("site", "journal_site"), [("practice", "practice"), ("sshd", "sshd")], indirect=True)


@pytest.fixture
async def talker(
    practice_site: Site, journal_site: Site, tmp_path: Path, connect: Connect
) -> AsyncIterator[tuple[Talker, HostConnection, Proxy]]:
    """A unit, a connection through a proxy to the host that has it, and the proxy."""
    proxy = await Proxy(journal_site.port).start()
    host = connect(port=proxy.port, site=journal_site)
    await host.open()
    made = Talker(tmp_path, f"talker-{journal_site.name}-{abs(hash(str(tmp_path))) % 10**8}")
    yield made, host, proxy
    await made.stop(host)
    await host.close()
    await proxy.stop()


Talking = tuple[Talker, HostConnection, Proxy]


@on_both
async def test_a_unit_that_never_spoke_loses_no_first_line(
    talker: Talking, practice_site: Site, read: Callable[..., Reader]
) -> None:
    unit, host, _ = talker
    reader = read(host, Journal(unit.unit))
    unit.say("one", "two")
    while not running(f"-u {unit.unit}"):
        await asyncio.sleep(0.01)
    await unit.start(host, practice_site.root)
    unit.say("three")
    while "three" not in reader.texts:
        await reader.until(len(reader.lines) + 1)
    assert [line.text for line in reader.lines if line.source != "systemd"] == ["one", "two", "three"]
    line = next(line for line in reader.lines if line.text == "one")
    assert line.unit == unit.unit and line.pid > 1 and line.priority == 6 and line.time > 1e9 and line.cursor


@on_both
async def test_a_journal_cut_three_times_loses_nothing_and_tells_nothing_twice(
    talker: Talking, practice_site: Site, read: Callable[..., Reader], events: list[ConnectionEvent]
) -> None:
    unit, host, proxy = talker
    await unit.start(host, practice_site.root)
    began = (await host.journal(unit.unit, since=0.0))[-1].cursor
    reader = read(host, Journal(unit.unit, began))
    said = [f"line {number}" for number in range(400)]
    for start in range(0, 400, 100):
        unit.say(*said[start : start + 50])
        await reader.until(start + 30)
        if start:
            proxy.cut()
        unit.say(*said[start + 50 : start + 100])
    assert await reader.until(400) == said
    assert len({line.cursor for line in reader.lines}) == 400
    assert [event.kind for event in events].count("lost") == 3


@on_both
async def test_nothing_of_it_is_left_on_the_host(talker: Talking, read: Callable[..., Reader]) -> None:
    unit, host, _ = talker
    reader = read(host, Journal(unit.unit))
    while not running(f"-u {unit.unit}"):
        await asyncio.sleep(0.01)
    await reader.close()
    async with asyncio.timeout(5):
        while running(f"-u {unit.unit}"):
            await asyncio.sleep(0.02)


@on_both
async def test_slices_of_the_journal(talker: Talking, practice_site: Site) -> None:
    unit, host, _ = talker
    await unit.start(host, practice_site.root)
    unit.say(*(f"line {number}" for number in range(50)))
    async with asyncio.timeout(10):
        while (
            len(everything := [line for line in await host.journal(unit.unit, since=0.0) if line.source != "systemd"])
            < 50
        ):
            await asyncio.sleep(0.05)
    assert [line.text for line in await host.journal(unit.unit, since=0.0, limit=2)] == ["line 48", "line 49"]
    after = await host.journal(unit.unit, after=everything[9].cursor, limit=3)
    assert [line.text for line in after] == ["line 10", "line 11", "line 12"]
    assert await host.journal(unit.unit, since=everything[-1].time + 3600) == []
    assert await host.journal(unit.unit, since=0.0, until=everything[0].time - 3600) == []
    with pytest.raises(HostFailure, match="name of a unit"):
        await host.journal("x; reboot", since=0.0)


def entry(**fields: Any) -> bytes:
    return json.dumps({"__CURSOR": "c", "__REALTIME_TIMESTAMP": "1700000000250000", **fields}).encode()


def test_what_journald_says_becomes_clean_lines() -> None:
    lines = entries(
        [
            entry(MESSAGE="\x1b[31mred", PRIORITY="3", _PID="7", SYSLOG_IDENTIFIER="i", _SYSTEMD_UNIT="iris.service"),
            entry(MESSAGE=[27, 91, 51, 49, 109, 255, 104, 105], _SYSTEMD_UNIT="init.scope", UNIT="iris.service"),
            entry(MESSAGE=None), entry(MESSAGE=["first", "second"]), entry(MESSAGE="two\nlines\n"),
            b"not json", b"[]", b'{"MESSAGE": "no cursor"}',
        ]
    )  # fmt: skip
    assert [line.text for line in lines] == ["red", "\ufffdhi", "", "first", "two", "lines"]
    first, second = lines[:2]
    assert (first.time, first.unit, first.pid, first.priority, first.source) == (
        1700000000.25,
        "iris.service",
        7,
        3,
        "i",
    )
    assert (second.unit, second.priority) == ("iris.service", 6)


# Files


@pytest.fixture
def log(site: Site, tmp_path: Path) -> Path:
    folder = site.files / tmp_path.name
    folder.mkdir()
    return folder / "access.log"


def say(path: Path, *texts: str) -> None:
    with path.open("a") as file:
        file.write("".join(f"{text}\n" for text in texts))


async def test_a_file_is_followed_from_its_end_or_from_a_cursor(
    host: HostConnection, log: Path, read: Callable[..., Reader]
) -> None:
    said = ["old", "older"]
    say(log, *said)
    whole, new = read(host, File(str(log), "0:0")), read(host, File(str(log)))
    await whole.until(2)
    while not new.lines:  # its end is where it was when the host began to follow
        said.append(f"tick {len(said)}")
        say(log, said[-1])
        await asyncio.sleep(0.02)
    say(log, "fresh \x1b[2J", "\x1b]0;x\x07")
    said += ["fresh ", ""]
    assert await whole.until(len(said)) == said
    while new.texts[-2:] != said[-2:]:
        await new.until(len(new.lines) + 1)
    assert "older" not in new.texts and new.texts == said[-len(new.texts) :]
    later = read(host, File(str(log), whole.lines[0].cursor))
    assert await later.until(len(said) - 1) == said[1:]
    assert whole.lines[0].unit == str(log)


async def test_a_file_cut_three_times_loses_nothing_and_tells_nothing_twice(
    cuttable: HostConnection, proxy: Proxy, log: Path, read: Callable[..., Reader]
) -> None:
    log.touch()
    reader = read(cuttable, File(str(log), "0:0"))
    said = [f"line {number} {'x' * 50}" for number in range(4000)]
    for start in range(0, 4000, 1000):
        say(log, *said[start : start + 500])
        await reader.until(start + 200)
        if start:
            proxy.cut()
        say(log, *said[start + 500 : start + 999])
        with log.open("a") as file:  # a line in two pieces, around which the connection may be cut
            file.write(said[start + 999][:3])
            file.flush()
            await asyncio.sleep(0)
            file.write(said[start + 999][3:] + "\n")
    assert await reader.until(4000) == said


async def test_a_file_is_followed_through_rotation(
    cuttable: HostConnection, proxy: Proxy, log: Path, read: Callable[..., Reader]
) -> None:
    say(log, "one")
    reader = read(cuttable, File(str(log), "0:0"))
    await reader.until(1)
    log.rename(f"{log}.1")
    say(log, "three")
    say(Path(f"{log}.1"), "two")  # the old writer has not noticed yet
    assert sorted(await reader.until(3)) == ["one", "three", "two"]
    proxy.refusing = True
    proxy.cut()
    say(log, "four")
    log.rename(f"{log}.2")
    say(log, "five")
    proxy.refusing = False
    assert (await reader.until(5))[3:] == ["four", "five"]
    log.write_text("")
    say(log, "six")
    assert (await reader.until(6))[5:] == ["six"]


async def test_a_file_that_comes_later_is_waited_for(
    host: HostConnection, log: Path, read: Callable[..., Reader]
) -> None:
    reader = read(host, File(str(log), "0:0"))
    assert await host.facts.stat(str(log)) is None
    say(log, "first")
    assert await reader.until(1) == ["first"]


async def test_many_lines_come_in_few_batches(host: HostConnection, log: Path, read: Callable[..., Reader]) -> None:
    say(log, *(f"{number} {'x' * 120}" for number in range(100_000)))
    reader = read(host, File(str(log), "0:0"))
    lines = await reader.until(100_000)
    assert lines[-1].startswith("99999 ") and reader.batches < 1000


async def test_several_sources_are_one_stream(host: HostConnection, log: Path, read: Callable[..., Reader]) -> None:
    """More than one connection may hold: the shared one keeps room for work."""
    paths = [log.with_name(f"{name}.log") for name in "abcde"]
    for path in paths:
        say(path, path.name)
    reader = read(host, *(File(str(path), "0:0") for path in paths))
    assert sorted(await reader.until(5)) == [path.name for path in paths]
    assert await host.facts.stat(str(log)) is None
