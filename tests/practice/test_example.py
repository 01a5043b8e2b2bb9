"""The example checklist brings a FastAPI application to a host that is there, without a line of Python of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.practice.run import Done
from tests.practice_host import PracticeAccess, free_ports, make

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parents[2] / "checklists" / "example-fastapi"
APPLICATION = """
from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[PracticeAccess]:
    access = make(tmp_path / "host", nginx="stand-in")
    try:
        yield access
    finally:
        access.host.stop()


def repository(root: Path) -> str:
    """Somebody's application in a repository on the host."""
    folder = root / "srv" / "notes"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(APPLICATION)
    (folder / "requirements.txt").write_text("fastapi\n")
    identity = ("-c", "user.name=ann", "-c", "user.email=ann@example.com")
    for words in (("init", "-q", "-b", "main"), ("add", "."), (*identity, "commit", "-qm", "Begin")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return str(folder)


def test_it_has_no_python() -> None:
    assert [path.name for path in FOLDER.rglob("*.py")] == []


def test_it_brings_an_application_to_a_host_finds_a_fault_and_mends_it(host: PracticeAccess, tmp_path: Path) -> None:
    known = {
        "host.address": host.address, "host.root": str(host.root), "ssh.port": host.port, "ssh.key": str(host.key),
        "os": "practice", "repository.url": repository(host.root), "port": free_ports(1)[0],
    }  # fmt: skip
    settings = tmp_path / "settings.yaml"
    settings.write_text(yaml.safe_dump(known))

    def program(*words: str) -> Done:
        arguments = (
            *words[:1],
            str(FOLDER),
            *words[1:],
            "--settings",
            str(settings),
            "--state",
            str(tmp_path / "state"),
        )
        done = subprocess.run(
            [sys.executable, "-m", "iris_migrate.cli", *arguments], env=os.environ, capture_output=True, text=True,
            timeout=300, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    looked = program("verify", *(f"--host-key={key.split()[0]}" for key in host.host.fingerprints), "--format", "json")
    assert looked.status == 1 and {name for name, status in looked.statuses.items() if status == "holds"} <= {
        "packages"
    }, looked.why()
    done = program("migrate", "--auto", "--format", "json")
    assert done.status == 0 and set(done.statuses.values()) == {"holds"}, done.why()
    unit = host.root / "etc/systemd/system/notes.service"
    unit.write_text(unit.read_text().replace("RestartSec=5", "RestartSec=50"))
    found = program("verify", "--format", "json")
    assert {"unit", "current"} <= {item["id"] for item in found.document["regressions"]} and found.status == 1
    mended = program("migrate", "--auto", "--format", "json")
    assert mended.status == 0 and "Restart notes.service" in mended.err, mended.why()
