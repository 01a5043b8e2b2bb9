"""systemd-analyze: `verify` finds what systemd finds (and overlooks what it overlooks), `security` says little."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from iris_migrate.rehearsal.host.stand_ins import accounts


def main(name: str, root: str, argv: list[str]) -> int:
    words = [word for word in argv if not word.startswith("-")]
    match words[:1]:
        case ["verify"]:
            return max((_verify(root, item) for item in words[1:]), default=1)
        case ["security"]:
            for unit in words[1:]:
                sys.stdout.write(f"→ Overall exposure level for {unit}: practice host, not rated\n")
            return 0
        case ["time"] | []:
            sys.stdout.write("Startup finished in practice.\n")
            return 0
    return accounts.fail(f"Unknown command verb '{words[0]}'.", 1)


def _verify(root: str, item: str) -> int:
    from iris_migrate.rehearsal.host.init import unit_files

    path = (
        Path(item)
        if "/" in item
        else next(
            (Path(root) / folder / item for folder in unit_files.FOLDERS if (Path(root) / folder / item).exists()),
            Path(item),
        )
    )
    if not path.exists():
        return accounts.fail(f"Failed to prepare filename {item}: No such file or directory", 1)
    sections, warnings = unit_files.parse(path.read_text(errors="replace"), str(path))
    for warning in warnings:
        sys.stderr.write(warning + "\n")
    file = unit_files.UnitFile(path.name, path, sections, ())
    status = 0
    if path.name.endswith(".service"):
        lines = file.all("Service", "ExecStart")
        if not lines:
            return accounts.fail(f"{path.name}: Service has no ExecStart=, ExecStop=, or SuccessAction=. Refusing.", 1)
        for line in lines:
            try:
                program = unit_files.words(line.lstrip("-@:+!"))[0]
            except unit_files.UnitFileError as error:
                return accounts.fail(f"{path}: {error}", 1)
            if program.startswith("/") and not os.access(program, os.X_OK):
                status = accounts.fail(
                    f"{path.name}: Command {program} is not executable: No such file or directory", 1
                )
    return status
