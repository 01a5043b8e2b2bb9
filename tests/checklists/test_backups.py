"""The backups of the checklist: whole while the cache is written, unreadable without the passphrase, restorable."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from iris_migrate.language.checklist import Checklist
from tests.checklists.conftest import Ran, Run

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
PASSPHRASE = {"PASSPHRASE": "correct horse battery staple"}
KEY = "sk-canary-0123456789"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A cache in use (write-ahead log and all), with a value in a file of its own, and variables."""
    root = tmp_path / "host"
    cache = root / "var/iris/cache"
    (cache / "ab").mkdir(parents=True)
    (cache / "ab/cd.val").write_text("a large answer")
    with sqlite3.connect(cache / "cache.db") as database:
        database.execute("PRAGMA journal_mode=wal")
        database.execute("CREATE TABLE Cache (key TEXT, value TEXT)")
        database.executemany("INSERT INTO Cache VALUES (?, ?)", [(str(n), "x" * 500) for n in range(300)])
    env = root / "opt/iris/backend/.env"
    env.parent.mkdir(parents=True)
    env.write_text(f"OPENAI_API_KEY={KEY}\n")
    (root / "var/lib/iris-migrate/backups").mkdir(parents=True)
    return root


@pytest.fixture
def back_up(checklist: Checklist, host: Path, run: Run) -> object:
    """Runs a backup step's script and notes its answer where the step's resource would."""

    def back_up(step: str, name: str) -> Ran:
        folder = host / "var/lib/iris-migrate/backups"
        done = run(checklist.step(step).with_["script"], {**PASSPHRASE, "TARGET": str(folder / name)})
        if done.status == 0:
            note = {"name": name, "evidence": json.loads(done.last)}
            (folder / f"{step}.json").write_text(json.dumps(note))
        return done

    return back_up


def test_both_backups_can_be_restored(checklist: Checklist, host: Path, run: Run, back_up) -> None:
    assert back_up("backup-cache", "iris-cache-2027-01-15.tar.enc").status == 0
    assert back_up("backup-env", "iris-env-2027-01-15.tar.enc").status == 0
    restored = run(checklist.step("backups-restored").with_["script"], PASSPHRASE)
    assert restored.status == 0, restored.out
    assert json.loads(restored.last) == {
        "integrity": "ok", "complete": True, "variables": True, "rows": 300, "files": 1,
    }  # fmt: skip


def test_a_backup_made_while_the_cache_is_written_is_whole(checklist: Checklist, host: Path, run: Run, back_up) -> None:
    ended = threading.Event()

    def write() -> None:
        database = sqlite3.connect(host / "var/iris/cache/cache.db", timeout=30, isolation_level=None)
        number = 1000
        while not ended.is_set():
            database.execute("INSERT INTO Cache VALUES (?, ?)", (str(number), "y" * 4000))
            number += 1
        database.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = back_up("backup-cache", "iris-cache-2027-01-15.tar.enc")
    finally:
        ended.set()
        writer.join()
    assert made.status == 0, made.out
    assert back_up("backup-env", "iris-env-2027-01-15.tar.enc").status == 0
    restored = json.loads(run(checklist.step("backups-restored").with_["script"], PASSPHRASE).last)
    assert restored["integrity"] == "ok"
    assert restored["complete"]
    assert restored["rows"] >= 300


def test_nothing_is_readable_in_a_backup_and_nothing_else_is_left(host: Path, back_up) -> None:
    folder = host / "var/lib/iris-migrate/backups"
    made = back_up("backup-env", "iris-env-2027-01-15.tar.enc")
    assert KEY not in made.out
    assert KEY.encode() not in (folder / "iris-env-2027-01-15.tar.enc").read_bytes()
    assert (folder / "iris-env-2027-01-15.tar.enc").stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in folder.iterdir()) == ["backup-env.json", "iris-env-2027-01-15.tar.enc"]


def test_a_newer_backup_replaces_the_older_one_on_the_host(host: Path, back_up) -> None:
    folder = host / "var/lib/iris-migrate/backups"
    for name in ("iris-env-2027-01-14.tar.enc", "iris-env-2027-01-15.tar.enc"):
        assert back_up("backup-env", name).status == 0
    back_up("backup-cache", "iris-cache-2027-01-15.tar.enc")
    assert sorted(path.name for path in folder.glob("*.enc")) == [
        "iris-cache-2027-01-15.tar.enc", "iris-env-2027-01-15.tar.enc",
    ]  # fmt: skip


def test_another_passphrase_restores_nothing(checklist: Checklist, host: Path, run: Run, back_up) -> None:
    back_up("backup-cache", "iris-cache-2027-01-15.tar.enc")
    back_up("backup-env", "iris-env-2027-01-15.tar.enc")
    restored = run(checklist.step("backups-restored").with_["script"], {"PASSPHRASE": "another"})
    assert restored.status != 0
    assert not list((host / "var/lib/iris-migrate/backups").glob(".restore*")), "nothing half-restored is left"


def test_variables_that_changed_since_are_noticed(checklist: Checklist, host: Path, run: Run, back_up) -> None:
    back_up("backup-cache", "iris-cache-2027-01-15.tar.enc")
    back_up("backup-env", "iris-env-2027-01-15.tar.enc")
    (host / "opt/iris/backend/.env").write_text("OPENAI_API_KEY=another\n")
    assert json.loads(run(checklist.step("backups-restored").with_["script"], PASSPHRASE).last)["variables"] is False
