"""Following a real journal: 10,000 lines at speed, the connection cut three times, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from iris_migrate.connections.host.connection import HostConnection, Journal, Line
from tests.host.connections import connected, proxied
from tests.host.site import Site

LINES = 10_000
# Like ours: the rate limit lifted; journald's default would drop most of it.
_START = (
    "systemd-run --quiet --unit={unit} -p LogRateLimitIntervalSec=1s -p LogRateLimitBurst=100000000"
    " sh -c 'echo begin; until [ -e {go} ]; do sleep 0.05; done; seq -f \"line %.0f\" 1 {lines}; echo end; sleep 60'"
)


async def test_ten_thousand_lines_through_three_cuts(site: Site, tmp_path: Path) -> None:
    unit = f"talker-{secrets.token_hex(4)}"
    go = f"/run/{unit}.go"
    await asyncio.to_thread(site.said, _START.format(unit=unit, go=go, lines=LINES))
    cuts = iter((LINES // 5, LINES // 2, LINES * 4 // 5))
    at = next(cuts)
    seen: list[str] = []
    cursors: set[str] = set()
    done = 0
    async with proxied(site) as proxy, connected(site, tmp_path, proxy.port) as host:
        began = (await _first(host, unit)).cursor
        following = host.follow(Journal(f"{unit}.service", began))
        await asyncio.to_thread(site.said, f"touch {go}")
        async with asyncio.timeout(120):
            async for batch in following:
                mine = [line for line in batch if line.source != "systemd"]
                seen += [line.text for line in mine]
                cursors |= {line.cursor for line in mine}
                if seen and seen[-1] == "end":
                    break
                if len(seen) >= at:
                    proxy.cut()
                    done += 1
                    at = next(cuts, LINES * 10)
        await following.aclose()
    await asyncio.to_thread(site.said, f"systemctl stop {unit}; rm -f {go}")
    assert done == 3
    assert seen == [*(f"line {number}" for number in range(1, LINES + 1)), "end"]
    assert len(cursors) == LINES + 1
    left = "pgrep -af '[j]ournalctl.*-f' || true"
    await asyncio.to_thread(site.until, lambda: not site.said(left), "no journalctl is left on the host")


async def _first(host: HostConnection, unit: str) -> Line:
    """The unit's first line, as soon as the journal has it."""
    async with asyncio.timeout(30):
        while not (lines := await host.journal(f"{unit}.service", since=0.0)):
            await asyncio.sleep(0.05)
    return lines[-1]
