"""The backend's figures: `python benchmarks/backend/run.py [hits flights health memory kills]`. Exit 1 over a limit.

Needs the packages of backend/requirements.txt and, for `hits` and `memory`, Debian's package `wrk`.
"""

from __future__ import annotations

import datetime
import importlib
import os
import platform
import sys
import tempfile
from pathlib import Path

PARTS = ("hits", "flights", "health", "memory", "kills")


def main() -> int:
    """Measure the parts asked for, all without arguments."""
    parts = sys.argv[1:] or list(PARTS)
    unknown = set(parts) - set(PARTS)
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    now = datetime.datetime.now(datetime.UTC)
    machine = f"{os.cpu_count()} cores  {platform.system()} {platform.machine()}  Python {platform.python_version()}"
    print(f"{now:%Y-%m-%d}  {machine}  load {os.getloadavg()[0]:.1f} before", flush=True)
    over = 0
    for part in parts:
        with tempfile.TemporaryDirectory(prefix="iris-bench-") as folder:
            for figure in importlib.import_module(part).measure(Path(folder)):
                print(figure, flush=True)
                over += not figure.holds
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
