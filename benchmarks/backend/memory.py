"""Memory of master and two workers after 10,000 hits, whether it is flat, and the time from start to healthy."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from benchmarks.backend.floor import BareService, ModelServer, Service, json_headers, request_body, ten_kilobytes
from benchmarks.backend.load import run, write_script
from benchmarks.figure import Figure

HITS = 10_000
STARTS = 5


def measure(folder: Path) -> list[Figure]:
    """Answers are there from an earlier process, as after a reboot. Memory is the resident sum with shared pages."""
    (folder / "ours").mkdir()
    script = write_script(folder, request_body(ten_kilobytes()), json_headers())
    with ModelServer() as model:
        service = Service(folder / "ours", model.url)
        with service:
            answer = service.analyze(ten_kilobytes()).raw
        with BareService(folder / "bare", answer) as bare:
            run(bare.port, script, 3)
            floor = _resident(bare)
        ours, theirs = [], []
        for _ in range(STARTS):
            ours.append(_start_seconds(service))
            theirs.append(_start_seconds(bare))
        with service:
            after, further = _resident_after(service, script, HITS), _resident_after(service, script, 3 * HITS)
            hits = service.stats()["hits"]
        if len(model.calls) != 1:
            raise AssertionError("a model call was made while memory was measured")
    return [
        Figure(
            "memory of master + 2 workers after 10,000 hits", after, "MB", limit=150, beside=f"bare view {floor:.0f} MB"
        ),
        Figure(f"memory after {hits} hits beside after 10,000", further - after, "MB more", limit=5),
        Figure(
            "start to healthy (median of 5)", statistics.median(ours), "s", limit=2.0,
            beside=f"bare view {statistics.median(theirs):.2f} s",
        ),
    ]  # fmt: skip


def _resident_after(service: Service, script: Path, hits: int) -> float:
    while service.stats()["hits"] < hits:
        run(service.port, script, 2)
    return _resident(service)


def _resident(service: Service) -> float:
    """Megabytes; pages that several processes share are counted for each, so the truth is lower."""
    total = 0
    for pid in (service.pid, *service.workers()):
        status = Path(f"/proc/{pid}/status").read_text()
        total += int(status.split("VmRSS:")[1].split()[0])
    return total / 1024


def _start_seconds(service: Service) -> float:
    begun = time.perf_counter()
    service.start()
    seconds = time.perf_counter() - begun
    service.stop()
    return seconds
