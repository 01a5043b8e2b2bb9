"""kill -9 of a worker in the middle of its write to the cache, 200 times: nothing torn, nothing logged lost."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import select
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from benchmarks.backend.floor import GOOD, ModelServer, Service, json_headers, reply, request_body, until
from benchmarks.figure import Figure

KILLS = 200
REPEATED = 3200  # 2 MB an answer: written in milliseconds, so that a kill from outside can come in between
FRAME = 24 + 4096  # SQLite's write-ahead log: a head of 32 bytes, then frames of a header and a page


def measure(folder: Path, kills: int = KILLS) -> list[Figure]:
    """The client logs an answer as soon as it has it; after a restart every logged answer must be there, whole.

    The write-ahead log is emptied before each request, so a write shows as its growth: the kill comes when it has
    reached a size drawn at random. What lies in it after the kill tells where the kill really came.
    """
    chance = random.Random(7)
    came: Counter[str] = Counter()
    logged = set()
    torn = lost = 0
    with ModelServer() as model, Service(folder, model.url, IRIS_WORKERS="3", CACHE_MAX_MB="2000") as service:
        model.answers = lambda number: (200, {}, _said(model.calls[number - 1]["input"]))
        with closing(sqlite3.connect(service.cache_dir / "cache.db", isolation_level=None)) as database:
            wal = service.cache_dir / "cache.db-wal"
            _empty(database, wal)
            service.analyze(_source(kills))
            whole = wal.stat().st_size
            for number in range(kills):
                until(lambda: _ready(service, wal), "the workers are not replaced", 60)
                _empty(database, wal)
                raw = _ask_and_kill(service, _source(number), wal, chance.randrange(1, whole * 4 // 3), whole)
                came["answered" if raw is not None else _found_in(wal)] += 1
                if raw is not None:
                    torn += not _whole(raw, _source(number))
                    logged.add(number)
        service.stop()
        service.start()
        for number in range(kills):
            again = service.analyze(_source(number))
            lost += number in logged and again.json["metadata"]["cache_hit"] != 1
            torn += not _whole(again.raw, _source(number))
    beside = ", ".join(f"{count} {where}" for where, count in came.most_common())
    return [
        Figure("kills in the middle of a write", came[INSIDE], f"of {kills}", at_least=kills / 5, beside=beside),
        Figure("killed while writing, torn answers served", torn, "", 0, f"{kills} kills"),
        Figure("killed while writing, logged answers lost", lost, "", 0, f"{len(logged)} logged"),
    ]


INSIDE = "between the first byte and the commit"


def _source(number: int) -> str:
    return f"value = {number}\n" * 20


def _ready(service: Service, wal: Path) -> bool:
    """All workers are there and have opened the cache, so that none of them writes its settings any more."""
    workers = service.workers()
    return len(workers) >= 3 and all(_has_open(pid, wal) for pid in workers)


def _has_open(pid: int, wal: Path) -> bool:
    try:
        return any(entry.readlink() == wal for entry in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:
        return False


def _empty(database: sqlite3.Connection, wal: Path) -> None:
    """Move all that was written into the database itself."""

    def done() -> bool:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return wal.stat().st_size == 0

    until(done, "the write-ahead log cannot be emptied")


def _found_in(wal: Path) -> str:
    """Where the kill came. A frame says in its header how large the database is after it: 0 before the last one."""
    frames = wal.read_bytes()[32:]
    sizes = [int.from_bytes(frames[at + 4 : at + 8], "big") for at in range(0, len(frames) - FRAME + 1, FRAME)]
    if any(sizes):
        return "after the commit, before the answer"
    return INSIDE if wal.stat().st_size else "before the write"


def _ask_and_kill(service: Service, source: str, wal: Path, size: int, whole: int) -> bytes | None:
    """Send one request, kill its worker as soon as the log has this size; beyond `whole`, with the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    headers = {name.replace("_", "-"): value for name, value in json_headers().items()}
    log = os.open(wal, os.O_RDONLY)
    try:
        connection.request("POST", "/api/iris/analyze", request_body(source), headers)
        mine = connection.sock.getsockname()[1]
        workers: list[int] = []
        until(lambda: workers.extend(_with(service, mine)) or workers, "no worker took the request")
        while os.fstat(log).st_size < size and not select.select([connection.sock], [], [], 0.0001)[0]:
            continue
        if size < whole:
            os.kill(workers[0], signal.SIGKILL)
        response = connection.getresponse()
        raw = response.read()
        if size >= whole:
            os.kill(workers[0], signal.SIGKILL)
        return raw if response.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        os.close(log)
        connection.close()


def _with(service: Service, port: int) -> list[int]:
    try:
        return [service.worker_with(port)]
    except AssertionError:
        return []


def _said(asked: str) -> dict[str, object]:
    """An answer that belongs to this question and to no other, long enough to fill several pages of the database."""
    mark = hashlib.sha256(asked.encode()).hexdigest()
    blocks = [{"label": mark, "description": mark * REPEATED, "ranges": [[n + 1, n + 1]]} for n in range(10)]
    return reply({**GOOD, "file_intent": mark, "responsibility_blocks": blocks})


def _whole(raw: bytes, source: str) -> bool:
    answer = json.loads(raw)
    lines = source.split("\n")
    asked = "Language: python\n\n" + "\n".join(f"{n} | {line}" for n, line in enumerate(lines, 1))
    mark = hashlib.sha256(asked.encode()).hexdigest()
    blocks = answer["responsibility_blocks"]
    return (
        answer["file_intent"] == mark
        and len(blocks) == 10
        and all(block["label"] == mark and block["description"] == mark * REPEATED for block in blocks)
    )
