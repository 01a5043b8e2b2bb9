"""A cache hit on a 10 KB source beside a bare view: requests per second, p99, and the cost after 50,000 hits."""

from __future__ import annotations

import statistics
from pathlib import Path

from benchmarks.backend.floor import (
    GOOD,
    BareService,
    ModelServer,
    Service,
    json_headers,
    reply,
    request_body,
    ten_kilobytes,
)
from benchmarks.backend.load import Load, run, write_script
from benchmarks.figure import Figure

SECONDS = 5
ROUNDS = 5
MANY = 50_000


def measure(folder: Path) -> list[Figure]:
    """Auth, limiter and log line are on; rounds interleaved; ratio = median of the rounds' ratios."""
    blocks = [
        {"label": f"Part {n}", "description": "What this part of the file does, in a sentence or two. " * 6,
         "ranges": [[n * 20 + 1, n * 20 + 20]]}
        for n in range(5)
    ]  # fmt: skip
    body = request_body(ten_kilobytes())
    with ModelServer() as model:
        model.answers = lambda number: (200, {}, reply({**GOOD, "responsibility_blocks": blocks}))
        (folder / "ours").mkdir()
        with Service(folder / "ours", model.url) as ours:
            first = ours.analyze(ten_kilobytes())
            with BareService(folder / "bare", first.raw) as bare:
                script = write_script(folder, body, json_headers())
                rounds = _rounds(ours.port, bare.port, script)
                aged = _aged(ours, bare, script)
            hits = ours.stats()["hits"]
        if len(model.calls) != 1:
            raise AssertionError(f"{len(model.calls)} model calls: these were not all hits")
    share = statistics.median(mine.per_second / floor.per_second for mine, floor in rounds)
    slower = statistics.median(mine.p99_ms / floor.p99_ms for mine, floor in rounds)
    return [
        Figure(
            "hit, requests per second, share of the bare view", share, "", at_least=0.60,
            beside=_beside(rounds, "per_second", "req/s"),
        ),
        Figure(
            "hit, p99 at 16 connections, times the bare view's", slower, "", limit=3.0,
            beside=_beside(rounds, "p99_ms", "ms"),
        ),
        Figure(
            f"hit after {hits} hits, share of the bare view beside the first share", aged / share, "", at_least=0.85,
            beside=f"first {share:.2f}, now {aged:.2f}",
        ),
    ]  # fmt: skip


def _rounds(ours: int, bare: int, script: Path) -> list[tuple[Load, Load]]:
    for port in (ours, bare):
        run(port, script, 1)
    return [(run(ours, script, SECONDS), run(bare, script, SECONDS)) for _ in range(ROUNDS)]


def _aged(ours: Service, bare: Service, script: Path) -> float:
    """The share of the bare view after at least MANY hits."""
    while ours.stats()["hits"] < MANY:
        run(ours.port, script, SECONDS)
    rounds = [(run(ours.port, script, SECONDS), run(bare.port, script, SECONDS)) for _ in range(3)]
    return statistics.median(mine.per_second / floor.per_second for mine, floor in rounds)


def _beside(rounds: list[tuple[Load, Load]], field: str, unit: str) -> str:
    mine = statistics.median(getattr(ours, field) for ours, _ in rounds)
    floor = statistics.median(getattr(bare, field) for _, bare in rounds)
    return f"ours {mine:.4g} {unit}, bare {floor:.4g} {unit}"
