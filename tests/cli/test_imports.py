"""What a command imports: start-up is made of imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from iris_migrate.cli import COMMANDS
from tests.cli.folder import ROOT, Folder

HEAVY = ("textual", "boto3", "botocore", "paramiko", "pydantic", "yaml", "jinja2", "asyncio", "moto", "httpx")
CODE = """
import contextlib, io, json, sys
from iris_migrate.cli import main
code = None
with contextlib.redirect_stdout(io.StringIO()):
    try:
        code = main(sys.argv[1:])
    except SystemExit as end:
        code = end.code
print(json.dumps([code, sorted(sys.modules)]))
"""


def imported(*arguments: str, folder: Folder | None = None) -> tuple[int, set[str]]:
    """Exit code, and every module that the command imported."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, check=True, timeout=60,
        cwd=folder.path if folder else ROOT, env=folder.environment if folder else None,
    )  # fmt: skip
    code, modules = json.loads(done.stdout)
    return code, set(modules)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_heavy(command: str) -> None:
    code, modules = imported(*filter(None, [command]), "--help")
    assert code == 0
    assert modules & set(HEAVY) == set()


def test_verify_of_an_unchanged_host_checklist_parses_nothing(folder: Folder, tmp_path: Path) -> None:
    """Host steps alone: neither a parser nor AWS is needed, though the host does not answer."""
    folder.steps = [
        {"id": "disk", "title": "Room", "resource": "monitor.disk", "with": {"path": "/", "warn": 80, "fail": 92}}
    ]
    folder.write()
    head = folder.path / "small" / "checklist.yaml"
    head.write_text(head.read_text() + "host: {address: 127.0.0.1, instance: '', user: nobody, port: 1, key: /none}\n")
    first, modules = imported("verify", "./small", folder=folder)
    assert first == 3 and "pydantic" in modules, "the first time it is compiled"
    again, modules = imported("verify", "./small", folder=folder)
    assert again == 3
    unwanted = {"pydantic", "jinja2", "yaml", "boto3", "botocore", "textual", "httpx", "moto"}
    assert modules & unwanted == set()


def test_status_connects_to_nothing(folder: Folder) -> None:
    folder.note("one", "1")
    assert folder.run("migrate", "./small", "--auto").status == 0
    code, modules = imported("status", "./small", folder=folder)
    assert code == 0
    assert modules & {"boto3", "paramiko", "textual", "httpx"} == set()


BEGINNING = """
import sys
from iris_migrate.cli import main
from iris_migrate.connections.host import ahead
order = []
class Ahead(ahead.Ahead):
    def __init__(self, *place):
        order.append("host ahead")
        super().__init__(*place)
ahead.Ahead = Ahead
def heard(event, words):
    if event == "import" and words[0] in ("iris_migrate.engine.session", "iris_migrate.language.compile"):
        order.append(words[0])
sys.addaudithook(heard)
main(sys.argv[1:])
print("ORDER", *order, sep="|")
"""


@pytest.mark.parametrize("host", [(), ("--host", "127.0.0.1:1")])
def test_the_host_is_reached_for_while_the_program_is_still_read(
    folder: Folder, host: tuple[str, ...], tmp_path: Path
) -> None:
    """What has to be told first is where it is: by the command line, before a checklist is compiled, or by that."""
    folder.steps = [
        {"id": "disk", "title": "Room", "resource": "monitor.disk", "with": {"path": "/", "warn": 80, "fail": 92}}
    ]
    folder.write()
    head = folder.path / "small" / "checklist.yaml"
    head.write_text(head.read_text() + "host: {address: 127.0.0.1, instance: '', user: nobody, port: 1, key: /none}\n")
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING, "verify", "./small", *host], capture_output=True, text=True, check=True,
        timeout=60, cwd=folder.path, env=folder.environment | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
    )  # fmt: skip
    order = done.stdout.partition("ORDER|")[2].strip().split("|")
    assert order.index("host ahead") < order.index("iris_migrate.engine.session")
    assert (order.index("host ahead") < order.index("iris_migrate.language.compile")) == bool(host)
