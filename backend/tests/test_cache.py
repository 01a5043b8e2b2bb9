"""The cache keeps text, only text, as long as it may, and its faults cost no request."""

from __future__ import annotations

import os
import pickle
import sqlite3
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import SOURCE, ask
from flask import Flask
from flask.testing import FlaskClient
from model_server import ModelServer
from src.answers import from_text, new_text
from src.board import Board
from src.cache.answer_cache import AnswerCache
from src.cache.disk_store import DiskStore
from src.cache.front import Front
from src.cache.text_disk import RefusedRow, TextDisk
from src.configuration import Settings
from src.contract import ResponsibilityBlock

BLOCK = ResponsibilityBlock(label="a", description="b", ranges=[(1, 2)])
DAY = 86_400


def text_of(intent: str, stored: float | None = None) -> str:
    return new_text(intent, [BLOCK], (1, 2), 3, time.time() if stored is None else stored)


def database(directory: Path) -> sqlite3.Connection:
    return sqlite3.connect(directory / "cache.db", isolation_level=None)


class Bomb:
    """Unpickling it makes a directory, so it can be seen whether somebody did."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "cache", 10_000_000)


def test_a_planted_pickle_is_not_run(tmp_path: Path, settings: Settings, make_app: Callable[..., Flask]) -> None:
    directory, mark = settings.cache.directory, tmp_path / "exploded"
    ask(make_app().test_client())
    planted = pickle.dumps(Bomb(mark))
    with database(directory) as rows:
        rows.execute("UPDATE Cache SET mode = 4, value = ?", (planted,))
    client = make_app().test_client()
    answer = ask(client)
    assert (answer.status_code, answer.json["metadata"]["cache_hit"]) == (200, 0)
    assert not mark.exists()
    pickle.loads(planted)
    assert mark.exists(), "the planted row would have done nothing anyway"
    assert ask(make_app().test_client()).json["metadata"]["cache_hit"] == 1, "the row was not replaced"


def test_a_planted_pickle_as_key_is_not_run(tmp_path: Path, store: DiskStore) -> None:
    mark = tmp_path / "exploded"
    store.put("k", "text", 100)
    with database(tmp_path / "cache") as rows:
        rows.execute("UPDATE Cache SET raw = 0, key = ?", (pickle.dumps(Bomb(mark)),))
    disk = TextDisk(str(tmp_path / "cache"))
    with pytest.raises(RefusedRow):
        disk.get(pickle.dumps(Bomb(mark)), 0)
    assert store.get("k") is None
    assert not mark.exists()


def test_a_planted_file_name_deletes_nothing(tmp_path: Path, store: DiskStore) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep me")
    store.put("k", "text", 100)
    with database(tmp_path / "cache") as rows:
        rows.execute("UPDATE Cache SET filename = '../precious'")
    store.put("k", "text", 100)
    assert precious.exists()


@pytest.mark.parametrize("value", [b"bytes", 1, None, ["x"]])
def test_nothing_but_text_is_stored(tmp_path: Path, value: object) -> None:
    with pytest.raises(RefusedRow):
        TextDisk(str(tmp_path)).store(value, False)


@pytest.mark.parametrize(
    "row", [(2, None, "x"), (3, "a.val", None), (4, None, b"x"), (1, "a.val", "x"), (1, None, b"x")]
)
def test_rows_of_another_kind_are_refused(tmp_path: Path, row: tuple[int, str | None, object]) -> None:
    with pytest.raises(RefusedRow):
        TextDisk(str(tmp_path)).fetch(*row, False)


@pytest.mark.parametrize(
    "text", ["", "{}", "not json", '{"format": 2}', text_of("x")[:-5], text_of("x").replace("[[1,2]]", "[]]")]
)
def test_a_row_that_is_no_answer_is_a_miss(text: str) -> None:
    assert from_text(text) is None


def test_the_directory_belongs_to_the_service_alone(tmp_path: Path) -> None:
    made = tmp_path / "deep" / "cache"
    DiskStore(made, 10**7).open()
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    DiskStore(shared, 10**7).open()
    assert stat.S_IMODE(shared.stat().st_mode) == 0o700


def test_an_entry_ends_with_its_time(store: DiskStore) -> None:
    store.put("short", "text", 0.05)
    store.put("long", "text", 100)
    until_gone(lambda: store.get("short") is None)
    assert store.get("long") == "text"


def until_gone(gone: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not gone():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_shortened_time_to_live_holds_for_what_is_already_there(store: DiskStore) -> None:
    AnswerCache(store, Board.alone(), 30 * DAY).keep("k", text_of("x", stored=time.time() - 2 * DAY))
    assert AnswerCache(store, Board.alone(), 30 * DAY).find("k") is not None
    assert AnswerCache(store, Board.alone(), 1 * DAY).find("k") is None


def test_the_front_gives_out_nothing_too_old() -> None:
    front, answer = Front(10, ttl=100), from_text(text_of("x", stored=1000.0))
    assert answer is not None
    front.put("k", answer)
    assert front.get("k", now=1099.9) is answer
    assert front.get("k", now=1100.0) is None


def test_the_front_lets_go_of_what_was_asked_for_longest_ago() -> None:
    front, answer = Front(2, ttl=100), from_text(text_of("x", stored=0.0))
    assert answer is not None
    for key in ("a", "b"):
        front.put(key, answer)
    front.get("a", 1)
    front.put("c", answer)
    assert [front.get(key, 1) is not None for key in ("a", "b", "c")] == [True, False, True]


def test_the_size_is_capped(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "cache", 2_000_000)
    for number in range(300):
        store.put(str(number), "x" * 20_000, 100)
    usage = store.usage()
    assert usage.bytes is not None and usage.bytes < 2_300_000
    assert store.get("299") is not None
    assert store.get("0") is None


@pytest.mark.parametrize(
    "change", [{"model": {"name": "another"}}, {"model": {"effort": "low"}}, {"cache": {"ttl_days": 29}}]
)
def test_what_changes_the_answer_is_part_of_the_key(
    make_app: Callable[..., Flask], model: ModelServer, change: dict[str, Any]
) -> None:
    ask(make_app().test_client())
    hit = ask(make_app(**change).test_client()).json["metadata"]["cache_hit"]
    assert hit == (1 if "cache" in change else 0)


def test_language_and_prompt_are_part_of_the_key_and_the_name_is_not(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_app().test_client()

    def hit(**fields: str) -> int:
        return int(ask(client, **fields).json["metadata"]["cache_hit"])

    assert hit() == 0
    assert hit(filename="b.py") == 1
    assert hit(language="javascript") == 0
    monkeypatch.setattr("src.prompt.VERSION", "another")
    assert ask(make_app().test_client()).json["metadata"]["cache_hit"] == 0


def test_a_numbered_and_a_bare_source_share_an_answer(client: FlaskClient, model: ModelServer) -> None:
    ask(client, SOURCE)
    numbered = "\n".join(f"{n} | {line}" for n, line in enumerate(SOURCE.split("\n"), 1))
    assert ask(client, numbered).json["metadata"]["cache_hit"] == 1
    assert len(model.calls) == 1


def test_the_cache_outlives_the_application(make_app: Callable[..., Flask], model: ModelServer) -> None:
    ask(make_app().test_client())
    assert ask(make_app().test_client()).json["metadata"]["cache_hit"] == 1
    assert len(model.calls) == 1


def not_a_directory(directory: Path) -> None:
    directory.write_text("a file where the directory should be")


def not_a_database(directory: Path) -> None:
    directory.mkdir()
    (directory / "cache.db").write_bytes(b"this is no database" * 1000)


@pytest.mark.parametrize("broken", [not_a_directory, not_a_database])
def test_a_broken_cache_is_told_and_loses_no_request(
    make_app: Callable[..., Flask], settings: Settings, broken: Callable[[Path], None]
) -> None:
    broken(settings.cache.directory)
    client = make_app(cache={"front_entries": 0}).test_client()
    assert [ask(client).status_code for _ in range(3)] == [200, 200, 200]
    health = client.get("/api/iris/health")
    assert health.status_code == 503
    assert health.json["cache"]["writable"] is False
    assert health.json["agent"] == "ready"


def test_a_cache_that_fails_later_is_told_and_used_again_when_mended(
    make_app: Callable[..., Flask], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.cache.answer_cache._PAUSE", 0.0)
    client = make_app().test_client()
    directory = settings.cache.directory
    moved = directory.with_name("moved")
    assert ask(client, "a = 1").status_code == 200
    directory.rename(moved)
    directory.write_text("in the way")
    assert ask(client, "b = 1").status_code == 200
    assert client.get("/api/iris/health").status_code == 503
    directory.unlink()
    moved.rename(directory)
    assert ask(client, "c = 1").status_code == 200
    assert client.get("/api/iris/health").status_code == 200
    assert ask(make_app().test_client(), "a = 1").json["metadata"]["cache_hit"] == 1


def test_a_write_that_fails_is_told_and_loses_no_request(make_app: Callable[..., Flask], settings: Settings) -> None:
    client = make_app(cache={"front_entries": 0}).test_client()
    ask(client, "a = 1")
    with database(settings.cache.directory) as rows:
        rows.execute("CREATE TRIGGER full BEFORE INSERT ON Cache BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
    assert ask(client, "b = 1").status_code == 200
    health = client.get("/api/iris/health").json
    assert (health["status"], health["cache"]["writable"]) == ("unhealthy", False)
    assert health["cache"]["entries"] == 1 or health["cache"]["entries"] is None


def written(directory: Path) -> dict[str, bytes]:
    """All but SQLite's shared memory, in which readers leave marks."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "cache.db-shm"}


def test_looking_at_health_writes_nothing(client: FlaskClient, settings: Settings) -> None:
    ask(client)
    before = {
        path.name: path.read_bytes() for path in settings.cache.directory.iterdir() if path.name != "cache.db-shm"
    }
    for _ in range(3):
        assert client.get("/api/iris/health").status_code == 200
    assert written(settings.cache.directory) == before


def test_stats_tell_what_was_saved_and_since_when(client: FlaskClient) -> None:
    ask(client)
    ask(client)
    ask(client, "")
    stats = client.get("/api/iris/stats", headers={"x-api-key": "test-key-1"}).json
    assert (stats["hits"], stats["misses"], stats["blank_files"], stats["requests"]) == (1, 1, 1, 3)
    assert (stats["spent_usd"], stats["saved_usd"]) == (0.0002861, 0.0002861)
    assert stats["cache"]["entries"] == 1
    assert stats["process_start"] <= stats["cache"]["oldest_entry"]


def test_a_full_disk_is_told_and_loses_no_request(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs root and the right to mount a tmpfs")
    try:
        client = make_app(cache={"directory": disk / "cache", "front_entries": 0}).test_client()
        assert ask(client, "a = 1").status_code == 200
        (disk / "rest").write_bytes(b"x" * (os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize))
        for number in range(20):
            assert ask(client, f"b = {number}" * 50).status_code == 200
        health = client.get("/api/iris/health")
        assert (health.status_code, health.json["cache"]["writable"]) == (503, False)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
