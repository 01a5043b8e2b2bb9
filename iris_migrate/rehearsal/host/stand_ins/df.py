"""df: the real one; while the fault `disk-full` is on, the practice folder's file system shows no space."""

from __future__ import annotations

import os
import re
import subprocess
import sys

REAL = "/usr/bin/df"


def main(name: str, root: str, argv: list[str]) -> int:
    if not os.path.exists(f"{root}/.practice/faults/disk-full"):
        os.execv(REAL, [REAL, *argv])
    done = subprocess.run([REAL, *argv], stdout=subprocess.PIPE, text=True, check=False)
    mount = subprocess.run(
        [REAL, "--output=target", root], stdout=subprocess.PIPE, text=True, check=False
    ).stdout.splitlines()[-1]
    head, *lines = done.stdout.splitlines() or [""]
    sys.stdout.write(head + "\n")
    for line in lines:
        sys.stdout.write((_full(head, line) if line.endswith(mount) or len(lines) == 1 else line) + "\n")
    return done.returncode


def _full(head: str, line: str) -> str:
    """The line with nothing available: the column before the percentage, or the one that is headed so."""
    if "%" in line:
        return re.sub(
            r"(\d\S*)(\s+)(\d+)%", lambda found: "0".rjust(len(found.group(1))) + found.group(2) + "100%", line, count=1
        )
    columns, names = line.split(), head.replace("Mounted on", "Mounted").split()
    if "Avail" in names and len(columns) == len(names):
        columns[names.index("Avail")] = "0"
        return " ".join(columns)
    return line
