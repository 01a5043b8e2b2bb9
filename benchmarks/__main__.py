"""Runs the benchmarks named on the command line, or all: `python -m benchmarks [start inspect verify run …]`."""

from __future__ import annotations

import importlib
import platform
import sys
import time

ALL = ("start", "paint", "tui", "follow", "inspect", "verify", "run", "decommission", "service")


def main(names: list[str]) -> int:
    print(f"{time.strftime('%Y-%m-%d')}  Python {platform.python_version()}  {platform.system()} {platform.machine()}")
    over = 0
    for name in names or ALL:
        for figure in importlib.import_module(f"benchmarks.{name}").run():
            print(figure.line(), flush=True)
            over += not figure.kept
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
