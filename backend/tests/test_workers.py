"""The real service: gunicorn, two workers, real processes, and what happens to them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from model_server import GOOD, ModelServer, failure, reply
from service import KEY, Service, json_headers, request_body, until

Start = Callable[..., Service]
SOURCE = "def add(a, b):\n    return a + b"


def test_the_cache_survives_a_restart(service: Start, model: ModelServer) -> None:
    running = service()
    first = running.analyze(SOURCE)
    assert (first.status, first.json["metadata"]["cache_hit"]) == (200, 0)
    running.stop()
    running.start()
    again = running.analyze(SOURCE).json
    assert again["metadata"]["cache_hit"] == 1
    assert again["metadata"]["estimated_cost_usd"] == 0
    assert again["responsibility_blocks"] == first.json["responsibility_blocks"]
    assert len(model.calls) == 1


def test_fifty_at_once_are_one_model_call(service: Start, model: ModelServer) -> None:
    running = service()
    model.delay = 1.0
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: running.analyze(SOURCE), range(50)))
    assert {answer.status for answer in answers} == {200}
    assert len({json.dumps(answer.json["responsibility_blocks"]) for answer in answers}) == 1
    assert len(model.calls) == 1
    assert sorted(answer.json["metadata"]["cache_hit"] for answer in answers) == [0] + [1] * 49
    stats = running.stats()
    assert (stats["misses"], stats["hits"] + stats["shared"]) == (1, 49)


def test_when_the_worker_in_flight_is_killed_two_calls_answer_all(service: Start, model: ModelServer) -> None:
    running = service()
    model.delay = 1.0
    before = running.workers()

    def ask_again_if_cut_off(_: int) -> int:
        try:
            return running.analyze(SOURCE).status
        except (OSError, http.client.HTTPException):
            return running.analyze(SOURCE).status

    with ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(ask_again_if_cut_off, number) for number in range(50)]
        until(lambda: len(model.calls) == 1, "no call was made")
        os.kill(running.worker_with(model.calls[0]["peer"]), signal.SIGKILL)
        statuses = [future.result() for future in asked]
    assert statuses == [200] * 50
    assert len(model.calls) == 2
    assert running.workers() != before


def test_health_answers_while_all_slots_are_taken_and_fifty_wait(service: Start, model: ModelServer) -> None:
    running = service(IRIS_MODEL_SLOTS="2")
    let_go = threading.Event()

    def hold(number: int) -> tuple[int, dict[str, str], object]:
        let_go.wait(30)
        return 200, {}, reply(GOOD)

    model.answers = hold
    with ThreadPoolExecutor(54) as pool:
        asked = [pool.submit(running.analyze, SOURCE) for _ in range(50)]
        asked += [pool.submit(running.analyze, f"{SOURCE} # {number}") for number in range(4)]
        until(lambda: len(model.calls) >= 3, "the model is not busy")
        healths = [running.health().status for _ in range(20)]
        assert not any(future.done() for future in asked), "health was not asked while they waited"
        let_go.set()
        statuses = [future.result().status for future in asked]
    assert healths == [200] * 20
    assert set(statuses) <= {200, 503}
    assert statuses[:50].count(200) == 50


def test_a_crowd_beyond_the_threads_is_told_to_come_again(service: Start, model: ModelServer) -> None:
    running = service(IRIS_WORKERS="1", IRIS_THREADS="6")
    let_go = threading.Event()

    def hold(number: int) -> tuple[int, dict[str, str], object]:
        let_go.wait(30)
        return 200, {}, reply(GOOD)

    model.answers = hold
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(running.analyze, SOURCE) for _ in range(4)]
        until(lambda: running.analyze(f"{SOURCE} #").status == 503 if model.calls else False, "there is still room")
        refused = running.analyze(f"{SOURCE} #")
        assert refused.json["success"] is False
        assert int(refused.headers["retry-after"]) >= 1
        assert running.health().status == 200
        let_go.set()
        assert {future.result().status for future in waiting} == {200}


def test_the_sum_of_both_workers_is_limited(service: Start) -> None:
    running = service(IRIS_ADDRESS_LIMIT="30 per hour")
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: running.analyze("").status, range(60)))
    assert statuses.count(200) in {29, 30}  # at the very last place each worker may refuse; never more than 30
    assert statuses.count(200) + statuses.count(429) == 60
    assert {running.health().status for _ in range(5)} == {200}


def test_a_reload_replaces_the_workers_and_keeps_what_was_counted(service: Start, model: ModelServer) -> None:
    running = service(IRIS_ADDRESS_LIMIT="10 per hour")
    running.analyze(SOURCE)
    started = running.stats()["process_start"]
    before = set(running.workers())
    os.kill(running.pid, signal.SIGHUP)
    until(lambda: len(running.workers()) == 2 and not before & set(running.workers()), "the workers were not replaced")
    stats = running.stats()
    assert (stats["misses"], stats["process_start"]) == (1, started)
    statuses = [running.analyze(SOURCE).status for _ in range(10)]
    assert statuses == [200] * 7 + [429] * 3
    assert len(model.calls) == 1


def test_a_request_in_flight_outlives_a_reload(service: Start, model: ModelServer) -> None:
    running = service()
    model.delay = 1.0
    before = set(running.workers())
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(running.analyze, SOURCE)
        until(lambda: len(model.calls) == 1, "no call was made")
        os.kill(running.pid, signal.SIGHUP)
        assert asked.result().status == 200
    until(lambda: not before & set(running.workers()), "the workers were not replaced")
    assert running.analyze(SOURCE).json["metadata"]["cache_hit"] == 1


def test_one_log_line_a_request_without_source_or_key(service: Start, model: ModelServer) -> None:
    running = service(IRIS_WORKERS="1")
    running.analyze("hunter2 = 1")
    running.analyze("hunter2 = 1")
    running.analyze("hunter2 = 1", key="hunter2-key")
    running.ask("GET", "/api/iris/health?hunter2=1")
    model.answers = lambda number: failure(401, "invalid_api_key")
    running.analyze("hunter2 = 2")
    running.stop()
    text = running.log.read_text()
    for secret in ("hunter2", KEY, "sk-test-only", "sk-sec"):
        assert secret not in text
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    asked = [line for line in lines if line["path"] == "/api/iris/analyze"]
    assert sorted(line["status"] for line in asked) == [200, 200, 401, 503]
    assert [line["origin"] for line in asked if line["status"] == 200] == ["model", "front"]
    assert all(line["error"] for line in asked if line["status"] != 200)
    assert all({"time", "id", "method", "path", "status", "ms", "address"} <= set(line) for line in lines)


def send_raw(running: Service, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def test_what_gunicorn_refuses_itself_is_json_too(service: Start) -> None:
    running = service(IRIS_WORKERS="1")
    head = b"POST /api/iris/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nx-api-key: " + KEY.encode()
    for raw, status in (
        (b"nonsense\r\n\r\n", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nbad name: x\r\n\r\n", 400),
        (head + b"\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (head + b"\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + b"x" * 0x200000 + b"\r\n0\r\n\r\n", 413),
        (head + b"\r\nContent-Length: 50\r\n\r\n{", 400),
    ):
        answered, _, body = send_raw(running, raw).partition(b"\r\n\r\n")
        assert answered.split(b" ", 2)[1] == str(status).encode(), (raw[:60], answered)
        told = json.loads(body)
        assert told["success"] is False
        assert told["error"]
    assert running.health().status == 200


def test_a_body_far_over_the_limit_is_answered_and_not_cut_off(service: Start) -> None:
    running = service(IRIS_WORKERS="1")
    refused = running.ask("POST", "/api/iris/analyze", request_body("x" * 5_000_000), **json_headers())
    assert (refused.status, refused.json["success"]) == (413, False)


def test_flask_env_is_ignored_and_said_so_once(service: Start) -> None:
    running = service(FLASK_ENV="production")
    assert running.log.read_text().count("FLASK_ENV") == 1


def test_log_files_can_be_named(service: Start, tmp_path: Path) -> None:
    access, error = tmp_path / "access.log", tmp_path / "error.log"
    running = service(IRIS_WORKERS="1", IRIS_ACCESS_LOG=str(access), IRIS_ERROR_LOG=str(error))
    running.health()
    running.stop()
    assert '"path":"/api/iris/health"' in access.read_text()
    assert "Booting worker" in error.read_text()
