"""A whole migration from commands alone: killed and gone on with, looked at, told, and taken up on another machine."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from iris_migrate.engine.record import Record
from iris_migrate.language.load import load
from iris_migrate.rehearsal.launch import World
from tests.practice.finished import Finished, forget_the_last_hour
from tests.practice.run import Done, command
from tests.practice.traces import made

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("journey")]

SETTLED = {"holds", "confirmed", "left-out", "warns"}
VERDICTS = {"holds", "differs", "absent", "converging", "warns", "unknown"}
FOLDERS = ("etc", "opt", "usr", "var/lib")


def settings(world: World) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(Path(world.env["IRIS_MIGRATE_SETTINGS"]).read_text())
    return found


def record_of(state: Path) -> Path:
    [path] = (state / "migrations").glob("*.sqlite")
    return path


def sent(world: World) -> int:
    """How many Changes the record says were sent."""
    with sqlite3.connect(record_of(Path(world.env["IRIS_MIGRATE_STATE"]))) as db:
        (count,) = db.execute("SELECT count(*) FROM intents").fetchone()
    return int(count)


def writes(world: World) -> list[str]:
    """The writing calls that AWS has seen."""
    with urllib.request.urlopen(f"{world.control}calls") as answer:
        calls = json.load(answer)["calls"]
    return [f"{call['service']}:{call['operation']}" for call in calls if call["write"] and not call["dry_run"]]


def host_files(world: World) -> dict[str, tuple[int, ...]]:
    """Every file and folder that a migration may write, with its times, size and mode."""
    root = Path(settings(world)["host.root"])
    found = {}
    for folder in FOLDERS:
        for path in [root / folder, *(root / folder).rglob("*")]:
            stat = path.lstat()
            found[str(path.relative_to(root))] = (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_mode)
    return found


@contextmanager
def nothing_written(world: World) -> Iterator[None]:
    """Neither on the host nor in AWS, and no Change was even meant."""
    files, calls, changes = host_files(world), writes(world), sent(world)
    yield
    after = host_files(world)
    assert {path for path in files | after if files.get(path) != after.get(path)} == set()
    assert writes(world)[len(calls) :] == []
    assert sent(world) == changes


def said_nothing_secret(finished: Finished, done: Done) -> Done:
    said = (done.out + done.err).encode()
    assert [name for name, value in finished.secrets.items() if value in said] == []
    return done


def test_a_run_killed_in_its_middle_goes_on_and_ends_with_a_document_alone(finished: Finished) -> None:
    assert finished.killed.status == -9, finished.killed.why()
    document = finished.done.document  # standard output as a whole is JSON
    assert set(document) == {"checklist", "digest", "summary", "regressions", "waivers", "steps"}
    checklist = load("lambda-to-ec2")
    assert document["checklist"] == checklist.name
    assert [step["id"] for step in document["steps"]] == [step.id for step in checklist.steps]
    assert document["summary"] == Counter(step["status"] for step in document["steps"])
    assert set(document["summary"]) <= SETTLED
    for step in document["steps"]:
        assert set(step) == {"id", "phase", "title", "status", "detail", "evidence", "seconds", "held", "hints"}
        assert isinstance(step["seconds"], float)
        assert bool(step["evidence"]) != (step["status"] == "left-out"), step["id"]
        for item in step["evidence"]:
            assert set(item) == {"asked", "expected", "seen", "verdict"}
            assert item["verdict"] in VERDICTS
            assert all(isinstance(text, str) for text in item.values())
    assert "key-pair: " in finished.killed.err, "what is done is told on standard error"


def test_there_is_one_of_each_kind_in_aws(finished: Finished) -> None:
    kinds = ("ec2:RunInstances", "ec2:AllocateAddress", "ec2:CreateSecurityGroup", "ec2:ImportKeyPair")
    assert {kind: made(finished.world).get(kind, 0) for kind in kinds} == dict.fromkeys(kinds, 1)


def test_a_second_run_changes_nothing(finished: Finished) -> None:
    # A tracked file with another time and the same content: looking must not refresh git's index for it.
    Path(settings(finished.world)["host.root"], "opt/iris/README.md").touch()
    with nothing_written(finished.world):
        done = said_nothing_secret(finished, command(finished.world, "migrate", "--auto", "--format", "json"))
    assert done.status == 0, done.why()
    assert set(done.document["summary"]) <= SETTLED


@pytest.mark.parametrize("checklist", ["lambda-to-ec2", "monitoring"])
def test_verifying_writes_nothing(checklist: str, finished: Finished) -> None:
    forget_the_last_hour(finished)
    with nothing_written(finished.world):
        done = said_nothing_secret(finished, command(finished.world, "verify", checklist, "--format", "json"))
    assert done.status == 0, done.why()
    assert done.document["checklist"] == checklist
    assert set(done.document["summary"]) <= SETTLED


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("status",), "service-steady"),
        (("report", "--format", "md"), "An address that stays"),
        (("plan",), "holds"),
        (("permissions",), "ec2:AllocateAddress"),
        (("logs",), "gunicorn"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_the_other_commands_answer_and_write_nothing(arguments: tuple[str, ...], told: str, finished: Finished) -> None:
    with nothing_written(finished.world):
        done = said_nothing_secret(finished, command(finished.world, *arguments))
    assert done.status == 0, done.why()
    assert told in done.out


def test_no_secret_stands_where_others_can_read_it(finished: Finished) -> None:
    said_nothing_secret(finished, finished.killed)
    said_nothing_secret(finished, finished.done)
    assert finished.lines.looks > 50
    assert finished.lines.found == set()
    state = Path(finished.world.env["IRIS_MIGRATE_STATE"])
    jobs = Path(settings(finished.world)["host.root"], "run/iris-migrate")
    kept = [path for path in (state / "migrations").rglob("*") if path.is_file()]
    left = [path for path in jobs.rglob("*") if path.is_file()]
    assert kept and left
    for path in (*kept, *left):
        data = path.read_bytes()
        assert [name for name, value in finished.secrets.items() if value in data] == [], path


def test_a_machine_without_a_record_takes_the_migration_up(finished: Finished, tmp_path: Path) -> None:
    known = Record(record_of(Path(finished.world.env["IRIS_MIGRATE_STATE"])))
    with nothing_written(finished.world):
        done = command(finished.world, "--state", str(tmp_path), "verify", "--format", "json")
    assert done.status == 0, done.why()
    fresh = Record(record_of(tmp_path))
    try:
        assert fresh.fact("migration") == known.fact("migration")
    finally:
        known.close()
        fresh.close()
