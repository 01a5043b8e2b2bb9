"""The operator's own machine: looking, keys, edits, commands, requests with an effect."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from iris_migrate.changes import HttpCall, LocalCommand, LocalEdit
from iris_migrate.connections.workstation import Workstation
from iris_migrate.target import Unreadable
from tests.connections.answering import Answering, http


@pytest.fixture
def workstation() -> Workstation:
    return Workstation()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


# Looking


async def test_a_text_is_read_without_control_sequences(workstation: Workstation, home: Path) -> None:
    (home / "a.txt").write_text("x\x1b[31mred\ty\n")
    assert await workstation.text("~/a.txt") == "xred\ty\n"
    assert await workstation.text(str(home / "none.txt")) is None


async def test_what_cannot_be_read_as_text_says_so(workstation: Workstation, home: Path) -> None:
    with pytest.raises(Unreadable, match="directory"):
        await workstation.text(str(home))
    (home / "big").write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(Unreadable, match="larger than 1 MiB"):
        await workstation.text(str(home / "big"))


async def test_stat_tells_kind_mode_owner_and_where_a_link_points(workstation: Workstation, home: Path) -> None:
    (home / "f").write_text("abc")
    (home / "f").chmod(0o640)
    (home / "l").symlink_to("f")
    seen = await workstation.stat("~/f")
    assert seen is not None
    assert (seen.kind, seen.mode, seen.size) == ("file", "0640", 3)
    whoami = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    assert seen.owner == whoami
    link, folder = await asyncio.gather(workstation.stat("~/l"), workstation.stat("~"))
    assert link is not None and folder is not None
    assert (link.kind, link.link, folder.kind) == ("link", "f", "directory")
    assert await workstation.stat("~/none") is None
    assert await workstation.stat("~/f/below") is None


async def test_a_search_finds_the_literal_in_text_files_only(workstation: Workstation, home: Path) -> None:
    root = home / "checkout"
    for name in ("src/a.ts", "node_modules/m/a.js", ".git/config", "src/b.ts"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / "src/a.ts").write_text("const url = 'https://old.example.com/x';")
    (root / "src/b.ts").write_text("nothing")
    (root / "node_modules/m/a.js").write_text("https://old.example.com/x")
    (root / ".git/config").write_text("https://old.example.com/x")
    (root / "binary").write_bytes(b"\0https://old.example.com/x")
    (root / "link.ts").symlink_to(root / "src/a.ts")
    found = await workstation.search("~/checkout", "https://old.example.com")
    assert found == {"~/checkout/src/a.ts": "const url = 'https://old.example.com/x';"}
    assert await workstation.search(str(root), ".*") == {}, "a literal, no pattern"


async def test_a_search_that_cannot_be_meant_is_refused(workstation: Workstation, home: Path) -> None:
    with pytest.raises(Unreadable, match="not there"):
        await workstation.search("~/none", "x")
    with pytest.raises(Unreadable, match="empty"):
        await workstation.search("~", "")


async def test_a_reading_command_tells_status_and_both_outputs(workstation: Workstation, home: Path) -> None:
    shell = await workstation.run(["sh", "-c", "echo out; printf 'e\\033[1mrr' >&2; pwd; exit 3"], cwd="~")
    assert (shell.status, shell.out, shell.err) == (3, f"out\n{home.resolve()}\n", "err")


async def test_a_program_or_folder_that_is_not_there_is_status_127(workstation: Workstation) -> None:
    missing = await workstation.run(["no-such-program-here"])
    assert missing.status == 127
    assert "no-such-program-here" in missing.err
    nowhere = await workstation.run(["true"], cwd="/no/such/folder")
    assert nowhere.status == 127
    assert "/no/such/folder" in nowhere.err


async def test_a_command_without_end_is_ended_with_all_it_started(workstation: Workstation, home: Path) -> None:
    script = "sh -c 'echo $$ > child; exec sleep 600' & wait"
    shell = await workstation.run(["sh", "-c", script], cwd=str(home), timeout=1.0)
    assert shell.status == -1
    assert "no end in 1 s" in shell.err
    await gone(int((home / "child").read_text()))


async def test_a_flood_is_cut_and_the_command_still_ends(workstation: Workstation) -> None:
    shell = await workstation.run([sys.executable, "-c", "print('x' * 3_000_000)"])
    assert (shell.status, len(shell.out)) == (0, 64 * 1024)


# Keys


def ssh_keygen(*args: str) -> str:
    return subprocess.run(["ssh-keygen", *args], capture_output=True, text=True, check=True).stdout


async def test_a_key_is_made_for_its_owner_only(workstation: Workstation, home: Path) -> None:
    answer = await workstation.make_key("~/.ssh/iris", "iris")
    kind, key, comment = answer["public_key"].split()
    assert (kind, comment) == ("ssh-ed25519", "iris")
    private, public = home / ".ssh/iris", home / ".ssh/iris.pub"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    assert public.read_text() == f"{answer['public_key']}\n"
    assert private.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert sorted(path.name for path in private.parent.iterdir()) == ["iris", "iris.pub"]
    import paramiko

    assert paramiko.Ed25519Key.from_private_key_file(str(private)).get_base64() == key


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")
async def test_ssh_itself_reads_the_key(workstation: Workstation, home: Path) -> None:
    answer = await workstation.make_key("~/k", "c")
    assert ssh_keygen("-y", "-f", str(home / "k")).split()[:2] == answer["public_key"].split()[:2]


async def test_a_key_that_is_there_is_never_overwritten(workstation: Workstation, home: Path) -> None:
    first = await workstation.make_key("~/k", "one")
    private = (home / "k").read_bytes()
    (home / "k").chmod(0o644)
    (home / "k.pub").unlink()
    second = await workstation.make_key("~/k", "one")
    assert second == first
    assert (home / "k").read_bytes() == private
    assert stat.S_IMODE((home / "k").stat().st_mode) == 0o600
    assert (home / "k.pub").exists()


async def test_a_pem_key_serves_too_and_rubbish_does_not(workstation: Workstation, home: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (home / "pem").write_bytes(pem)
    assert (await workstation.make_key("~/pem", "x"))["public_key"].startswith("ssh-rsa ")
    (home / "rubbish").write_text("no key")
    with pytest.raises(Unreadable, match=r"no private key.*ssh\.key"):
        await workstation.make_key("~/rubbish", "x")
    assert (home / "rubbish").read_text() == "no key"


async def test_a_key_with_a_passphrase_tells_itself_by_its_public_half(workstation: Workstation, home: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    locked = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.BestAvailableEncryption(b"words"),
    )
    (home / "k").write_bytes(locked)
    with pytest.raises(Unreadable, match="ssh-keygen -y"):
        await workstation.make_key("~/k", "x")
    (home / "k.pub").write_text("ssh-ed25519 AAAA mine\n")
    assert await workstation.make_key("~/k", "x") == {"public_key": "ssh-ed25519 AAAA mine"}


async def test_a_key_that_cannot_be_written_says_so(workstation: Workstation, home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(Unreadable, match="cannot be used"):
        await workstation.make_key("~/file/below", "x")


# Edits


def edit(path: Path, was: str | None, content: str | None) -> LocalEdit:
    return LocalEdit(says="Edit", path=str(path), was=was, content=content)


async def test_a_file_is_rewritten_as_shown_and_keeps_its_mode(workstation: Workstation, home: Path) -> None:
    path = home / "a.ts"
    path.write_text("old\n")
    path.chmod(0o755)
    await workstation.edit(edit(path, "old\n", "new\n"))
    assert path.read_text() == "new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert [item.name for item in home.iterdir()] == ["a.ts"]


async def test_a_file_that_changed_meanwhile_is_left_alone(workstation: Workstation, home: Path) -> None:
    path = home / "a.ts"
    path.write_text("somebody else's\n")
    with pytest.raises(Unreadable, match="not as it was"):
        await workstation.edit(edit(path, "old\n", "new\n"))
    with pytest.raises(Unreadable, match="not as it was"):
        await workstation.edit(edit(path, None, "new\n"))
    with pytest.raises(Unreadable, match="not as it was"):
        await workstation.edit(edit(home / "gone.ts", "old\n", "new\n"))
    assert path.read_text() == "somebody else's\n"
    assert [item.name for item in home.iterdir()] == ["a.ts"]


async def test_an_edit_that_is_already_so_is_done(workstation: Workstation, home: Path) -> None:
    path = home / "a.ts"
    path.write_text("new\n")
    before = path.stat().st_ino
    await workstation.edit(edit(path, "old\n", "new\n"))
    assert path.stat().st_ino == before


async def test_a_file_is_made_and_removed(workstation: Workstation, home: Path) -> None:
    path = home / "deep" / "a.ts"
    await workstation.edit(edit(path, None, "new\n"))
    assert path.read_text() == "new\n"
    await workstation.edit(edit(path, "new\n", None))
    assert not path.exists()
    await workstation.edit(edit(path, "new\n", None))


async def test_an_edit_goes_through_a_link_to_the_file(workstation: Workstation, home: Path) -> None:
    (home / "real").write_text("old")
    (home / "link").symlink_to("real")
    await workstation.edit(edit(home / "link", "old", "new"))
    assert (home / "link").is_symlink()
    assert (home / "real").read_text() == "new"


async def test_line_ends_of_windows_are_kept(workstation: Workstation, home: Path) -> None:
    path = home / "a.ts"
    path.write_bytes(b"one\r\nold\r\n")
    was = await workstation.text(str(path))
    assert was == "one\nold\n"
    await workstation.edit(edit(path, was, "one\nnew\n"))
    assert path.read_bytes() == b"one\r\nnew\r\n"


async def test_what_could_not_be_shown_is_not_edited(workstation: Workstation, home: Path) -> None:
    path = home / "a.ts"
    path.write_bytes(b"old\x1b[31m\n")
    was = await workstation.text(str(path))
    with pytest.raises(Unreadable, match="control characters"):
        await workstation.edit(edit(path, was, "new\n"))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Unreadable, match="UTF-8"):
        await workstation.edit(edit(path, "old", "new"))


# Commands


async def ran(workstation: Workstation, script: str, **how: object) -> tuple[int, list[str]]:
    lines: list[str] = []

    def heard(batch: Sequence[str]) -> None:
        lines.extend(batch)

    change = LocalCommand(says="Run", argv=("sh", "-c", script), **how)  # type: ignore[arg-type]
    return await workstation.run_change(change, heard), lines


async def test_lines_of_both_outputs_come_in_order_without_control_sequences(
    workstation: Workstation, home: Path
) -> None:
    script = (
        "echo one; echo two >&2; printf '\\033[32mthree\\033[0m\\rfour\\n'; echo \"$MARK\"; pwd; printf last; exit 5"
    )
    status, lines = await ran(workstation, script, cwd="~", env={"MARK": "set"})
    assert status == 5
    assert lines == ["one", "two", "three", "four", "set", str(home.resolve()), "last"]


async def test_lines_are_heard_while_it_runs(workstation: Workstation, home: Path) -> None:
    """The command waits for a file that is made only when its first line was heard."""
    heard: list[str] = []

    def hear(batch: Sequence[str]) -> None:
        heard.extend(batch)
        (home / "go").touch()

    script = "echo first; until [ -e go ]; do sleep 0.02; done; echo second"
    change = LocalCommand(says="Run", argv=("sh", "-c", script), cwd=str(home), timeout=20)
    assert await workstation.run_change(change, hear) == 0
    assert heard == ["first", "second"]


async def test_a_line_without_end_is_broken(workstation: Workstation) -> None:
    _, lines = await ran(workstation, "head -c 20000 /dev/zero | tr '\\0' x")
    assert "".join(lines) == "x" * 20000
    assert max(map(len, lines)) <= 8192


async def test_standard_input_is_empty(workstation: Workstation) -> None:
    assert await ran(workstation, "cat; echo end") == (0, ["end"])


async def test_past_its_time_the_whole_group_is_ended(workstation: Workstation, home: Path) -> None:
    script = "sh -c 'echo $$ > child; exec sleep 600' & wait"
    with pytest.raises(Unreadable, match="longer than 1 s"):
        await ran(workstation, script, cwd=str(home), timeout=1.0)
    await gone(int((home / "child").read_text()))


async def test_given_up_it_is_ended_too(workstation: Workstation, home: Path) -> None:
    started = asyncio.Event()
    change = LocalCommand(says="Run", argv=("sh", "-c", "echo $$; exec sleep 600"))
    pids: list[str] = []

    def heard(batch: Sequence[str]) -> None:
        pids.extend(batch)
        started.set()

    task = asyncio.create_task(workstation.run_change(change, heard))
    await asyncio.wait_for(started.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(int(pids[0]))


async def test_a_child_left_behind_does_not_hold_the_end(workstation: Workstation, home: Path) -> None:
    script = "sleep 600 & echo $! > child; echo done"
    assert await ran(workstation, script, cwd=str(home)) == (0, ["done"])
    os.kill(int((home / "child").read_text()), 9)


async def test_a_command_that_cannot_start_says_what_is_missing(workstation: Workstation) -> None:
    with pytest.raises(Unreadable, match="no-such-program-here"):
        await workstation.run_change(LocalCommand(says="x", argv=("no-such-program-here",)), lambda lines: None)
    with pytest.raises(Unreadable, match="/no/such/folder"):
        await ran(workstation, "true", cwd="/no/such/folder")


# Requests with an effect


def call(url: str, **how: object) -> HttpCall:
    return HttpCall(says="Ask", method="POST", url=url, **how)  # type: ignore[arg-type]


async def test_a_request_is_sent_with_its_body_and_its_answers_are_found(workstation: Workstation) -> None:
    with Answering([http("200 OK", '{"result": {"score": 7}, "source": "cache"}', "application/json")]) as server:
        change = call(
            f"{server.url}/analyze",
            headers={"x-api-key": "k"},
            json={"code": "x = 1"},
            answers={"score": "body.result.score"},
            keep="body.source",
        )
        assert await workstation.http(change) == {"score": 7, "kept": "cache"}
    (request,) = server.requests
    assert request.startswith(b"POST /analyze HTTP/1.1\r\n")
    assert b"x-api-key: k\r\n" in request
    assert request.endswith(b'{"code":"x = 1"}')


async def test_a_failure_shows_status_and_the_beginning_of_the_body(workstation: Workstation) -> None:
    with (
        Answering([http("503 Service Unavailable", "no\x1b[31m model", "text/plain")]) as server,
        pytest.raises(Unreadable, match="HTTP 503: no model"),
    ):
        await workstation.http(call(server.url))


async def test_fails_if_decides(workstation: Workstation) -> None:
    with (
        Answering([http("200 OK", '{"error": "quota"}', "application/json")]) as server,
        pytest.raises(Unreadable, match="quota"),
    ):
        await workstation.http(call(server.url, fails_if="body.error"))
    with Answering([http("404 Not Found", "{}", "application/json")]) as server:
        assert await workstation.http(call(server.url, fails_if="status == `500`")) == {}


async def test_no_answer_is_a_failure(workstation: Workstation) -> None:
    with Answering([b""]) as server, pytest.raises(Unreadable, match="connection broke"):
        await workstation.http(call(server.url))


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    async with asyncio.timeout(20):
        while Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():
            await asyncio.sleep(0.02)
