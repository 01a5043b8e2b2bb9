"""The backend's figures alone: `run.py [hits flights health memory kills]`. Exit 1 over a limit.

Needs the packages of backend/requirements.txt and, for `hits` and `memory`, Debian's package `wrk`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

from benchmarks import service  # noqa: E402


def main() -> int:
    """Measure the parts asked for, all without arguments."""
    parts = sys.argv[1:] or list(service.PARTS)
    unknown = set(parts) - set(service.PARTS)
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(service.PARTS)}", file=sys.stderr)
        return 2
    over = 0
    for figure in service.run(parts):
        print(figure.line(), flush=True)
        over += not figure.kept
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
