"""A process of its own that runs one job on the host: `python -m tests.host.one_job ENV-FILE FOLDER ID SCRIPT`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from iris_migrate.connections.host.connection import Job
from iris_migrate.rehearsal.launch import World
from tests.host.connections import connected
from tests.host.site import Site


async def main(ready: str, folder: str, identity: str, script: str) -> int:
    site = Site(World(None, json.loads(Path(ready).read_text()), None))  # type: ignore[arg-type]
    async with connected(site, Path(folder)) as host:
        result = await host.run(Job(id=identity, script=script, root=True), _tell)
    return result.status


def _tell(lines: Sequence[str]) -> None:
    if lines:
        print(*lines, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
