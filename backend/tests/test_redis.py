"""The shared cache against a real redis-server: several hosts, one model call."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from conftest import ask
from flask import Flask
from model_server import GOOD, ModelServer, reply
from service import Service, free_port, until
from src.board import Board
from src.cache.redis_store import RedisLocks, RedisStore
from src.cache.store import RefusedEntry, StoreFault

PROGRAM = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="redis-server is not installed (Debian: redis-server)")


@dataclass
class Redis:
    port: int
    folder: Path
    process: Any = None

    @property
    def url(self) -> str:
        return f"redis://:hunter2@127.0.0.1:{self.port}/3"

    @property
    def client(self) -> Any:
        return redis.Redis.from_url(self.url, decode_responses=True)

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "dir": self.folder, "requirepass": "hunter2"}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.process = subprocess.Popen([str(PROGRAM), *words], stdout=subprocess.DEVNULL)
        until(self._answers, "redis-server does not answer")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    one = Redis(free_port(), tmp_path)
    one.start()
    yield one
    if one.process.poll() is None:
        one.stop()


def test_an_answer_is_shared_by_hosts_and_outlives_them(
    server: Redis, make_app: Callable[..., Flask], model: ModelServer
) -> None:
    here = make_app(cache={"url": server.url}).test_client()
    assert ask(here).json["metadata"]["cache_hit"] == 0
    there = make_app(cache={"url": server.url}).test_client()
    assert ask(there).json["metadata"]["cache_hit"] == 1
    assert len(model.calls) == 1
    health = there.get("/api/iris/health")
    assert health.status_code == 200
    assert health.json["cache"]["entries"] == 1
    assert health.json["cache"]["directory"] == f"redis://127.0.0.1:{server.port}/3"


def test_fifty_at_once_on_two_hosts_are_one_model_call(server: Redis, tmp_path: Path, model: ModelServer) -> None:
    model.delay = 1.0
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with (
        Service(tmp_path / "a", model.url, CACHE_URL=server.url) as one,
        Service(tmp_path / "b", model.url, CACHE_URL=server.url) as two,
        ThreadPoolExecutor(50) as pool,
    ):
        answers = list(pool.map(lambda number: (one, two)[number % 2].analyze("a = 1"), range(50)))
    assert {answer.status for answer in answers} == {200}
    assert len(model.calls) == 1


def test_the_flight_of_a_killed_worker_is_taken_over_on_its_host(
    server: Redis, service: Callable[..., Service], model: ModelServer
) -> None:
    running = service(CACHE_URL=server.url, IRIS_WORKERS="1")
    let_go = threading.Event()

    def hold(number: int) -> tuple[int, dict[str, str], object]:
        if number == 1:
            let_go.wait(30)
        return 200, {}, reply(GOOD)

    model.answers = hold
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(running.analyze, "a = 1")
        until(lambda: len(model.calls) == 1, "no call was made")
        os.kill(running.workers()[0], signal.SIGKILL)
        assert asked.exception() is not None
        assert running.analyze("a = 1").status == 200
        let_go.set()
    assert len(model.calls) == 2


def test_the_lock_is_kept_alive_and_given_back(server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.cache.redis_store._LOCK_MS", 300)
    one, two = (RedisLocks(server.client, Board.alone()) for _ in range(2))
    assert one.try_lock("k")
    ends = time.monotonic() + 1.0
    while time.monotonic() < ends:
        assert not two.try_lock("k")
    one.unlock("k")
    assert two.try_lock("k")
    two.unlock("k")
    assert server.client.keys("iris:flight:*") == []


def test_the_lock_of_a_dead_host_ends(server: Redis) -> None:
    server.client.set("iris:flight:k", "another host", px=50)
    locks = RedisLocks(server.client, Board.alone())
    until(lambda: locks.try_lock("k"), "the lock of the dead host is still there")
    locks.unlock("k")


def test_only_text_of_ours_is_taken(server: Redis) -> None:
    store = RedisStore(server.url)
    server.client.lpush("iris:answer:k", "a list")
    with pytest.raises(RefusedEntry):
        store.get("k")
    redis.Redis.from_url(server.url).set("iris:answer:b", b"\x80\x04\xff")
    with pytest.raises(RefusedEntry):
        store.get("b")


def test_entries_end_with_their_time(server: Redis) -> None:
    store = RedisStore(server.url)
    store.put("k", "text", 0.05)
    until(lambda: store.get("k") is None, "the entry is still there")
    assert store.oldest() is not None
    store.put("other", "text", 0.05)
    until(lambda: store.usage().entries == 1, "the list keeps what is gone") if store.usage().entries != 1 else None


def test_redis_lost_and_found_again_costs_no_request(
    server: Redis, make_app: Callable[..., Flask], model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("src.cache.answer_cache", "src.limits"):
        monkeypatch.setattr(f"{module}._PAUSE", 0.0)
    client = make_app(cache={"url": server.url}, access={"address_limit": "4 per hour"}).test_client()
    assert ask(client, "a = 1").status_code == 200
    server.stop()
    assert ask(client, "b = 1").status_code == 200
    health = client.get("/api/iris/health")
    assert (health.status_code, health.json["cache"]["writable"]) == (503, False)
    server.start()
    assert ask(client, "c = 1").status_code == 200
    assert client.get("/api/iris/health").status_code == 200


def test_the_limit_is_one_for_all_hosts(server: Redis, make_app: Callable[..., Flask]) -> None:
    clients = [
        make_app(cache={"url": server.url}, access={"address_limit": "5 per hour"}).test_client() for _ in range(2)
    ]
    statuses = [ask(clients[number % 2], "").status_code for number in range(8)]
    assert statuses == [200] * 5 + [429] * 3


def test_the_password_is_nowhere(server: Redis, service: Callable[..., Service]) -> None:
    running = service(CACHE_URL=server.url, IRIS_WORKERS="1")
    server.stop()
    running.analyze("a = 1")
    health = running.health()
    running.stop()
    assert "hunter2" not in health.raw.decode() + running.log.read_text()


def test_a_fault_is_told_as_one() -> None:
    with pytest.raises(StoreFault):
        RedisStore(f"redis://127.0.0.1:{free_port()}").open()
