"""Health while all model slots are busy and 50 followers wait, beside health of the same service at rest."""

from __future__ import annotations

import http.client
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.backend.floor import GOOD, ModelServer, Service, reply
from benchmarks.figure import Figure

ASKED = 200
SLOTS = 2


def measure(folder: Path) -> list[Figure]:
    """Each on a connection of its own, one after the other; the figure is the slowest of all."""
    let_go = threading.Event()

    def hold(number: int) -> tuple[int, dict[str, str], object]:
        let_go.wait(120)
        return 200, {}, reply(GOOD)

    with ModelServer() as model, Service(folder, model.url, IRIS_MODEL_SLOTS=str(SLOTS)) as service:
        at_rest = _times(service)
        model.answers = hold
        with ThreadPoolExecutor(100) as pool:
            asked = []
            while len(model.calls) < 2 * SLOTS:  # the kernel decides which worker gets a request
                asked.append(pool.submit(service.analyze, f"busy = {len(asked)}"))
                time.sleep(0.2)
            asked += [pool.submit(service.analyze, "busy = 0") for _ in range(50)]
            time.sleep(0.5)  # let all fifty arrive
            busy = _times(service)
            waited = sum(not future.done() for future in asked)
            let_go.set()
        if waited < len(asked):
            raise AssertionError(f"only {waited} were waiting while health was asked")
    return [
        Figure(
            "health while all slots are busy and 50 wait, slowest of 200", max(busy), "ms", limit=50,
            beside=f"median {statistics.median(busy):.1f} ms; at rest median {statistics.median(at_rest):.1f}, "
            f"slowest {max(at_rest):.1f}",
        )
    ]  # fmt: skip


def _times(service: Service) -> list[float]:
    times = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
        connection.request("GET", "/api/iris/health")
        status = connection.getresponse().status
        connection.close()
        times.append((time.perf_counter() - begun) * 1000)
        if status != 200:
            raise AssertionError(f"health answered {status}")
    return times
