"""Killed at any moment and started again, it goes on: at every moment of one run, and at ten of them alone."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest

from iris_migrate.language.load import load
from iris_migrate.rehearsal.launch import World, start_world
from tests.practice.killed import MOMENTS
from tests.practice.run import command, killed, killed_again_and_again, moment_of
from tests.practice.traces import BROUGHT_UP, Traces, traces

pytestmark = pytest.mark.long

SIGKILL = -9
CARRIED = 10
SLOW = 240.0  # seconds in which a world is ready, also on a machine that does four things at once


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Traces, list[str]]:
    """What a run leaves that nobody disturbed, and the moments at which it could have been killed.

    One run for all workers of a test run: who comes first makes it, the others wait for its notes.
    """
    folder = tmp_path_factory.getbasetemp()
    notes = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "undisturbed.json"
    with notes.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_size == 0:  # now, not when it was opened
            found, places = _undisturbed()
            json.dump([asdict(found), places], file)
        file.seek(0)
        traced, places = json.load(file)
        return Traces(**traced), places


def _undisturbed() -> tuple[Traces, list[str]]:
    with start_world(timeout=SLOW) as world:
        done = command(world, "migrate", "--auto", "--format", "json")
        assert done.status == 0, done.why()
        return traces(world, done.document), moments(world)


def moments(world: World) -> list[str]:
    """Every recorded intent, and the time between it and its result."""
    [record] = Path(world.env["IRIS_MIGRATE_STATE"], "migrations").glob("*.sqlite")
    with sqlite3.connect(record) as db:
        intents = db.execute("SELECT step, data FROM intents ORDER BY rowid").fetchall()
    return [f"{when} {moment_of(step, data)}" for step, data in intents for when in MOMENTS]


@pytest.mark.xdist_group("killed-0")
def test_a_run_killed_at_every_moment_ends_as_an_undisturbed_one(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    met = tmp_path / "met"
    met.touch()
    with start_world(timeout=SLOW) as world:
        *ended, done = killed_again_and_again(world, met, *MOMENTS)
        assert {one.status for one in ended} == {SIGKILL}
        assert done.status == 0, done.why()
        left = traces(world, done.document)
    kinds = Counter(line.split()[0] for line in met.read_text().splitlines())
    print(f"\nkilled and continued at {kinds.total()} points: {dict(kinds)}")
    assert kinds.total() == len(ended)
    wanted, places = request.getfixturevalue("undisturbed")  # only now: by then another worker has made it
    assert_same(left, wanted)
    missed = Counter(map(step_of, places)) - Counter(map(step_of, met.read_text().splitlines()))
    resources = {step.id: step.resource for step in load("lambda-to-ec2").steps}
    assert {place for place in missed if not resources[place[1]].startswith(BROUGHT_UP)} == set()


def step_of(moment: str) -> tuple[str, str]:
    """Its kind and its step: the digest behind them is another one in another world."""
    kind, step, _ = moment.split()
    return kind, step


@pytest.mark.parametrize(
    "tenth",
    # Three groups that take about the same time: killing at every moment takes as long as two of these.
    [pytest.param(tenth, marks=pytest.mark.xdist_group(f"killed-{(tenth + 2) // 4}")) for tenth in range(CARRIED)],
)
def test_one_kill_in_a_fresh_world_ends_as_an_undisturbed_run(
    tenth: int, undisturbed: tuple[Traces, list[str]], tmp_path: Path
) -> None:
    places = undisturbed[1]
    place = (2 * tenth + 1) * len(places) // (2 * CARRIED)
    place += (place + tenth) % 2  # both kinds of moment in turn
    met = tmp_path / "met"
    met.touch()
    with start_world(timeout=SLOW) as world:
        first = killed(world, met, str(place))
        assert first.status == SIGKILL, first.why()
        print(f"\nkilled at: {met.read_text().strip()}")
        second = killed(world, met, str(place))
        assert second.status == 0, second.why()
        assert_same(traces(world, second.document), undisturbed[0])


def assert_same(found: Traces, undisturbed: Traces) -> None:
    assert found.statuses == undisturbed.statuses
    assert found.made == undisturbed.made
    assert found.files == undisturbed.files
    assert found.jobs == undisturbed.jobs
