"""A run in a process of its own that kills itself at a moment not met before: `python -m tests.practice.killed FILE`.

FILE lists the moments at which earlier processes ended; this one adds its own before it dies. With a number behind it,
only the moment of that number in this process, when FILE is empty. Exit status 0: the run came to its end, its
result is on standard output. No part of the program knows of this: it only listens to events.

With the words of moments behind it (`intended`, `carried-out`), run after run: one for each line of standard input, a
process each, forked from one that has imported what they need and done nothing else; a line of JSON tells its end.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from iris_migrate.auto import AutoOperator
from iris_migrate.encoding import canonical
from iris_migrate.engine.events import ChangeCarriedOut, ChangeIntended, Event
from iris_migrate.engine.options import Options
from iris_migrate.engine.session import Session
from tests.practice.run import moment_of

MOMENTS = ("intended", "carried-out")
_NEEDED = (
    "boto3", "botocore.regions", "httpx", "jmespath", "paramiko", "iris_migrate.connections.aws",
    "iris_migrate.connections.host.connection", "iris_migrate.connections.web", "iris_migrate.engine.archive",
)  # fmt: skip


class Killer:
    """Ends the process after an intent was recorded, and between an intent and its result."""

    def __init__(self, met: Path, only: int | None = None, moments: Collection[str] = MOMENTS) -> None:
        self._met, self._only, self._moments = met, only, moments
        self._changes: dict[str, str] = {}
        self._count = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, ChangeIntended):
            # By what is done, not by the change's id: a retry has another id and is the same moment.
            self._changes[event.change_id] = moment_of(event.step, canonical(event.change))
            self._end("intended", self._changes[event.change_id])
        elif isinstance(event, ChangeCarriedOut) and event.change_id in self._changes:
            self._end("carried-out", self._changes[event.change_id])

    def _end(self, when: str, what: str) -> None:
        if when not in self._moments:
            return
        moment = f"{when} {what}"
        self._count += 1
        met = self._met.read_text().splitlines()
        if moment in met or (self._only is not None and (met or self._count <= self._only)):
            return
        with self._met.open("a") as file:
            file.write(moment + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.kill(os.getpid(), signal.SIGKILL)


async def main(killer: Killer) -> int:
    operator = AutoOperator(say=lambda line: print(line, file=sys.stderr))
    session = await Session(Options(), operator).open()
    session.listen(killer)
    result = await session.run()
    await session.close()
    print(json.dumps({**result.document(), "exit": result.exit_code, "stopped": operator.stopped}))
    return result.exit_code


def many(met: Path, moments: Collection[str]) -> None:
    for name in _NEEDED:
        importlib.import_module(name)
    for _ in sys.stdin:
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            pid = os.fork()
            if pid == 0:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                status = asyncio.run(main(Killer(met, moments=moments)))
                sys.stdout.flush()
                os._exit(status)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            out.seek(0)
            err.seek(0)
            print(json.dumps({"status": status, "out": out.read(), "err": err.read()}), flush=True)


if __name__ == "__main__":
    words = sys.argv[2:]
    if words and not words[0].isdigit():
        many(Path(sys.argv[1]), words)
    else:
        sys.exit(asyncio.run(main(Killer(Path(sys.argv[1]), int(words[0]) if words else None))))
