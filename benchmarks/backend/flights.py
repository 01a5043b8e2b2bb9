"""50 identical requests at once on a cold cache, two workers, a model that takes 1 s: calls, and time for all."""

from __future__ import annotations

import http.client
import os
import signal
import statistics
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from benchmarks.backend.floor import ModelServer, Service, ten_kilobytes, until
from benchmarks.figure import Figure

ROUNDS = 5
CROWD = 50


def measure(folder: Path) -> list[Figure]:
    """The floor is one request alone in the same round. The workers have loaded the model's client before."""
    alone, together, calls, killed_calls, killed_lost = [], [], [], [], 0
    with ModelServer() as model, Service(folder, model.url) as service, ThreadPoolExecutor(CROWD) as pool:
        first = _seconds(lambda: service.analyze("first = 1"))
        _warm(service, pool)
        model.delay = 1.0
        for number in range(ROUNDS):
            alone.append(_seconds(lambda n=number: service.analyze(ten_kilobytes(1000 + n))))
            before, begun = len(model.calls), time.perf_counter()
            answers = list(pool.map(service.analyze, [ten_kilobytes(number)] * CROWD))
            together.append(time.perf_counter() - begun)
            calls.append(len(model.calls) - before)
            if {answer.status for answer in answers} != {200}:
                raise AssertionError("not all were answered")
        for number in range(ROUNDS):
            before = len(model.calls)
            statuses = _with_the_holder_killed(service, model, pool, ten_kilobytes(2000 + number))
            killed_calls.append(len(model.calls) - before)
            killed_lost += sum(status != 200 for status in statuses)
            _warm(service, pool)
    print(f"      for information: the first model call of a worker, which loads the client: {first:.2f} s + the model")
    return [
        Figure("50 at once, model calls (worst round)", max(calls), "", limit=1),
        Figure(
            "50 at once until all are answered (worst round)", max(together), "s", limit=1.5,
            beside=f"median {statistics.median(together):.3f}, one request alone {statistics.median(alone):.3f}",
        ),
        Figure("the holder killed, model calls (worst round)", max(killed_calls), "", limit=2),
        Figure("the holder killed, requests without an answer", killed_lost, "", limit=0),
    ]  # fmt: skip


def _warm(service: Service, pool: ThreadPoolExecutor) -> None:
    """Let every worker make a call of its own: a client is loaded at the first one."""
    until(lambda: len(service.workers()) == 2, "a worker is missing")
    for batch in range(3):
        stamp = time.time_ns()
        list(pool.map(service.analyze, [f"warm = {stamp + number} # {batch}" for number in range(16)]))


def _with_the_holder_killed(service: Service, model: ModelServer, pool: ThreadPoolExecutor, source: str) -> list[int]:
    before = len(model.calls)

    def ask(_: int) -> int:
        try:
            return service.analyze(source).status
        except (OSError, http.client.HTTPException):
            return service.analyze(source).status  # a client whose connection died asks once more

    asked: list[Future[int]] = [pool.submit(ask, number) for number in range(CROWD)]
    until(lambda: len(model.calls) > before, "no call was made")
    os.kill(service.worker_with(model.calls[-1]["peer"]), signal.SIGKILL)
    return [future.result() for future in asked]


def _seconds(action: object) -> float:
    begun = time.perf_counter()
    action()  # type: ignore[operator]
    return time.perf_counter() - begun
