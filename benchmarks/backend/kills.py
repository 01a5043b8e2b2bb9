"""kill -9 of a worker around its write to the cache, 200 times: nothing torn is served, nothing logged is lost."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import signal
import threading
from pathlib import Path

from figures import Figure
from floor import GOOD, ModelServer, Service, json_headers, reply, request_body, until

KILLS = 200
FIRST = 0.1  # seconds from the model's answer to the kill; then it follows the moment of the write, however fast we are


def measure(folder: Path) -> list[Figure]:
    """The client logs an answer as soon as it has it; after a restart every logged answer must be there, whole."""
    chance = random.Random(7)
    log = folder / "client.log"
    answered = torn = lost = 0
    moment = FIRST
    with ModelServer() as model:
        answering = threading.Event()
        model.answers = lambda number: (answering.set(), (200, {}, _said(model.calls[number - 1]["input"])))[1]
        with Service(folder, model.url, IRIS_WORKERS="4") as service, log.open("a", encoding="utf-8") as written:
            for number in range(KILLS):
                until(lambda: len(service.workers()) >= 3, "the workers are not replaced")
                source = f"value = {number}\n" * 20
                answering.clear()
                raw = _ask_and_kill(service, source, answering, moment * chance.uniform(0.5, 1.2))
                moment *= 1.15 if raw is None else 1 / 1.15
                if raw is not None:
                    answered += 1
                    torn += not _whole(raw, source)
                    written.write(f"{number}\n")
                    written.flush()
            service.stop()
            service.start()
            calls = len(model.calls)
            logged = {int(number) for number in log.read_text().split()}
            for number in logged:
                source = f"value = {number}\n" * 20
                reply_again = service.analyze(source)
                lost += reply_again.json["metadata"]["cache_hit"] != 1
                torn += not _whole(reply_again.raw, source)
            if (len(model.calls) > calls) != (lost > 0):
                raise AssertionError("hits and model calls do not agree")
            committed = sum(_kept(service, number) for number in set(range(KILLS)) - logged)
    if not 0 < answered < KILLS:
        raise AssertionError(f"{answered} of {KILLS} answered: the kills did not come around the write")
    return [
        Figure("killed while writing, torn answers served", torn, at_most=0, beside=f"{KILLS} kills"),
        Figure(
            "killed while writing, logged answers lost", lost, at_most=0,
            beside=f"{answered} answers came before the kill; of the others {committed} were already written",
        ),
    ]  # fmt: skip


def _kept(service: Service, number: int) -> bool:
    """Whether an answer that nobody received had been written before the kill."""
    return bool(service.analyze(f"value = {number}\n" * 20).json["metadata"]["cache_hit"])


def _ask_and_kill(service: Service, source: str, answering: threading.Event, delay: float) -> bytes | None:
    """Send one request, kill the worker that has it `delay` after the model answered, and take what still comes."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    headers = {name.replace("_", "-"): value for name, value in json_headers().items()}
    try:
        connection.request("POST", "/api/iris/analyze", request_body(source), headers)
        mine = connection.sock.getsockname()[1]
        if not answering.wait(30):
            raise AssertionError("the model was not asked")
        worker = service.worker_with(mine)
        threading.Event().wait(delay)
        os.kill(worker, signal.SIGKILL)
        response = connection.getresponse()
        return response.read() if response.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _said(asked: str) -> dict[str, object]:
    """An answer that belongs to this question and to no other, long enough to fill several pages of the database."""
    mark = hashlib.sha256(asked.encode()).hexdigest()
    blocks = [{"label": mark, "description": mark * 60, "ranges": [[n + 1, n + 1]]} for n in range(10)]
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
        and all(block["label"] == mark and block["description"] == mark * 60 for block in blocks)
    )
