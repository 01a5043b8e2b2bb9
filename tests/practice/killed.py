"""A run in a process of its own that kills itself at a moment not met before: `python -m tests.practice.killed FILE`.

FILE lists the moments at which earlier processes ended; this one adds its own before it dies. With a number behind it,
only the moment of that number in this process, when FILE is empty. Exit status 0: the run came to its end, its
result is on standard output. No part of the program knows of this: it only listens to events.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from iris_migrate.auto import AutoOperator
from iris_migrate.encoding import canonical
from iris_migrate.engine.events import ChangeCarriedOut, ChangeIntended, Event
from iris_migrate.engine.session import Options, Session
from tests.practice.run import moment_of


class Killer:
    """Ends the process after an intent was recorded, and between an intent and its result."""

    def __init__(self, met: Path, only: int | None) -> None:
        self._met, self._only = met, only
        self._changes: dict[str, str] = {}
        self._count = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, ChangeIntended):
            # By what is done, not by the change's id: a retry has another id and is the same moment.
            self._changes[event.change_id] = moment_of(event.step, canonical(event.change))
            self._end(f"intended {self._changes[event.change_id]}")
        elif isinstance(event, ChangeCarriedOut) and event.change_id in self._changes:
            self._end(f"carried-out {self._changes[event.change_id]}")

    def _end(self, moment: str) -> None:
        self._count += 1
        met = self._met.read_text().splitlines()
        if moment in met or (self._only is not None and (met or self._count <= self._only)):
            return
        with self._met.open("a") as file:
            file.write(moment + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.kill(os.getpid(), signal.SIGKILL)


async def main(met: Path, only: int | None) -> int:
    operator = AutoOperator(say=lambda line: print(line, file=sys.stderr))
    session = await Session(Options(), operator).open()
    session.listen(Killer(met, only))
    result = await session.run()
    await session.close()
    print(json.dumps({**result.document(), "exit": result.exit_code, "stopped": operator.stopped}))
    return result.exit_code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)))
