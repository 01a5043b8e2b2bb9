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
SHORT_ROUNDS = 9  # of a second each: the service just started stays far below MANY
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
            (folder / "fresh").mkdir()
            with Service(folder / "fresh", model.url) as fresh:
                fresh.analyze(ten_kilobytes())
                aged, hits = _aged(ours, fresh, script)
        if len(model.calls) != 2:  # one for each service
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
            f"hit after {hits} hits, requests per second beside a service just started",
            statistics.median(old.per_second / new.per_second for old, new in aged), "", at_least=0.85,
            beside=_beside(aged, "per_second", "req/s", "just started"),
        ),
    ]  # fmt: skip


def _rounds(ours: int, bare: int, script: Path) -> list[tuple[Load, Load]]:
    for port in (ours, bare):
        run(port, script, 1)
    return [(run(ours, script, SECONDS), run(bare, script, SECONDS)) for _ in range(ROUNDS)]


def _aged(ours: Service, fresh: Service, script: Path) -> tuple[list[tuple[Load, Load]], int]:
    """Rounds after at least MANY hits, each beside one of a service that has just been started; and the hits before."""
    while (hits := ours.stats()["hits"]) < MANY:
        run(ours.port, script, SECONDS)
    run(fresh.port, script, 1)
    return [(run(ours.port, script, 1), run(fresh.port, script, 1)) for _ in range(SHORT_ROUNDS)], hits


def _beside(rounds: list[tuple[Load, Load]], field: str, unit: str, other: str = "bare") -> str:
    mine = statistics.median(getattr(ours, field) for ours, _ in rounds)
    floor = statistics.median(getattr(bare, field) for _, bare in rounds)
    return f"ours {mine:.4g} {unit}, {other} {floor:.4g} {unit}"
