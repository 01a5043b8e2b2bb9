"""backend/ is deployed alone, so it is tested alone: a copy, an empty directory, a fresh virtual environment."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """Nothing of this environment's Python reaches the other one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    ended = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{command}:\n{ended.stdout[-4000:]}\n{ended.stderr[-4000:]}"
    return ended.stdout


@pytest.mark.long
def test_a_copy_passes_its_own_tests_in_a_fresh_environment(tmp_path: Path) -> None:
    tracked = run("git", "ls-files", "backend", cwd=REPOSITORY).split()
    for name in tracked:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((REPOSITORY / name).read_bytes())
    copy = tmp_path / "backend"
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    assert python.exists(), sys.executable
    run(python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "-r", "requirements-dev.txt", cwd=copy)
    found = run(python, "-c", "import importlib.util as u; print(u.find_spec('iris_migrate'))", cwd=copy)
    assert found.strip() == "None"
    told = run(python, "-m", "pytest", "-q", cwd=copy)
    assert " passed" in told
    assert not (copy / ".iris").exists(), "the tests left a cache behind"
