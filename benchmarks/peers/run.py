"""The side-by-side: every tool as a whole process from the shell, rounds interleaved, next door and 80 ms away."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, median, spread
from benchmarks.peers.host import Host, running
from benchmarks.peers.tools import Tool, environment, temporary, tools, versions
from benchmarks.proxy import delaying

ROUNDS = int(os.environ.get("PEERS_ROUNDS", "5"))
# How many times faster than each we mean to be at least (issue 7); the floor is a limit the other way round.
FAR = {"pyinfra": 5.0, "ansible, pipelining": 10.0, "testinfra, ssh": 15.0, "testinfra, paramiko": None}
NEAR = {"pyinfra": 3.0, "testinfra, ssh": 12.0, "ansible, pipelining": None, "testinfra, paramiko": None}


def run() -> Iterator[Figure]:
    with temporary() as name, running() as host:
        folder = Path(name)
        binaries = environment(folder)
        print(versions(binaries).strip())
        beside = tools(host, binaries, folder)
        yield from _round("next door", host.port, beside, NEAR)
        with delaying("127.0.0.1", host.port, 0.08) as far:
            yield from _round("80 ms away", far, beside, FAR)
        yield from _many(host, beside[0])


def _round(where: str, port: int, beside: list[Tool], limits: dict[str, float | None]) -> Iterator[Figure]:
    seconds: dict[str, list[float]] = {tool.name: [] for tool in beside}
    expected = None
    for number in range(ROUNDS + 1):
        for tool in beside:
            started = time.monotonic()
            printed = tool.run(port)
            took = time.monotonic() - started
            if number == 0:  # warms every cache, and shows that all say the same
                told = tool.read(printed)
                expected = expected or told
                if told != expected or len(told) != 20 or sum(told.values()) != 15:
                    raise SystemExit(f"{tool.name} does not say the same: {told}\n{printed[-2000:]}")
            else:
                seconds[tool.name].append(took)
    mine = median(seconds["iris-migrate"])
    yield Figure(f"20 checks, {where}, against the floor", mine / median(seconds["floor"]), "x", 1.5,
                 f"{spread(seconds['iris-migrate'])} s, the floor {spread(seconds['floor'])} s")  # fmt: skip
    for name, least in limits.items():
        ratio = median(seconds[name]) / mine
        beside_it = f"{spread(seconds[name])} s"
        yield Figure(f"20 checks, {where}, {name}", ratio, "x slower", beside=beside_it, at_least=least)


def _many(host: Host, ours: Tool) -> Iterator[Figure]:
    """Twenty hosts side by side against one: twenty addresses of this machine's loopback, one sshd behind them."""
    import contextlib

    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(delaying("127.0.0.1", host.port, 0.08)) for _ in range(20)]
        one, all_ = [], []
        command = ours.command(ports[0])
        at = command.index("--host")
        hosts = [part for port in ports for part in ("--host", f"127.0.0.1:{port}")]
        whole = [*command[:at], *hosts, *command[at + 2 :]]
        several = Tool(ours.name, lambda _: whole, ours.read, ours.env, ours.folder)
        for number in range(3):
            for tool, kept in ((ours, one), (several, all_)):
                started = time.monotonic()
                printed = tool.run(ports[0])
                if '"unknown"' in printed:
                    raise SystemExit(f"a host was not told:\n{printed[-2000:]}")
                if number:
                    kept.append(time.monotonic() - started)
        yield Figure("20 hosts side by side, 80 ms away, against one", median(all_) / median(one), "x", 3.0,
                     f"{spread(all_)} s, one {spread(one)} s")  # fmt: skip
