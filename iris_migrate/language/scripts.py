"""The shell scripts of a checklist, rendered and read by shellcheck where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from iris_migrate.language.errors import Problem
from iris_migrate.language.render import Renderer, TemplateProblem
from iris_migrate.language.source import shown
from iris_migrate.values import fill

TIME_LIMIT = 60.0  # seconds a script


def shellcheck() -> str | None:
    """The shellcheck program, on the path or beside this Python."""
    return shutil.which("shellcheck") or shutil.which("shellcheck", path=str(Path(sys.executable).parent))


def script_problems(folder: Path, renderer: Renderer) -> Iterator[Problem]:
    """What shellcheck says about `files/*.sh`, each rendered with the settings at hand."""
    program = shellcheck()
    for path in sorted(folder.glob("files/**/*.sh")):
        source = path.read_text(encoding="utf-8", errors="replace")
        try:
            rendered = (
                str(fill(renderer.text(source), lambda _: "value")) if "{{" in source or "{%" in source else source
            )
        except TemplateProblem:
            rendered = source  # a raw file, or a problem that compiling names
        if program is not None:
            yield from _complaints(program, path, rendered)


def _complaints(program: str, path: Path, script: str) -> Iterator[Problem]:
    for line, level, code, says in _checked(program, script):
        yield Problem(shown(path), line, f"SC{code}", f"shellcheck ({level}): {says}")


@lru_cache(maxsize=256)
def _checked(program: str, script: str) -> tuple[tuple[int, str, int, str], ...]:
    """Complaints about a script; remembered, because lint renders the same script for several settings."""
    done = subprocess.run(
        [program, "--shell=sh" if not script.startswith("#!") else "--severity=style", "--format=json", "-"],
        input=script,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    if done.returncode > 1:
        return ((0, "error", 0, f"shellcheck could not read it: {done.stderr.strip()[:200]}"),)
    return tuple(
        (item["line"], item["level"], item["code"], item["message"]) for item in json.loads(done.stdout or "[]")
    )
