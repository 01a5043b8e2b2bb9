"""Killed at any moment and started again, it goes on: at every moment of one run, and at ten of them alone."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from iris_migrate.rehearsal.launch import World, start_world
from tests.practice.run import command, killed, moment_of
from tests.practice.traces import Traces, traces

pytestmark = pytest.mark.long

SIGKILL = -9
CARRIED = 10


@pytest.fixture(scope="module")
def undisturbed() -> Iterator[tuple[Traces, list[str]]]:
    """What a run leaves that nobody disturbed, and the moments at which it could have been killed."""
    with start_world() as world:
        done = command(world, "migrate", "--auto", "--format", "json")
        assert done.status == 0, done.why()
        yield traces(world, done.document), moments(world)


def moments(world: World) -> list[str]:
    """Every recorded intent, and the time between it and its result."""
    [record] = Path(world.env["IRIS_MIGRATE_STATE"], "migrations").glob("*.sqlite")
    with sqlite3.connect(record) as db:
        intents = db.execute("SELECT step, data FROM intents ORDER BY rowid").fetchall()
    return [f"{when} {moment_of(step, data)}" for step, data in intents for when in ("intended", "carried-out")]


@pytest.mark.xdist_group("every")
def test_a_run_killed_at_every_moment_ends_as_an_undisturbed_one(
    undisturbed: tuple[Traces, list[str]], tmp_path: Path
) -> None:
    met = tmp_path / "met"
    met.touch()
    with start_world() as world:
        while (done := killed(world, met)).status == SIGKILL:
            pass
        assert done.status == 0, done.why()
        assert_same(traces(world, done.document), undisturbed[0])
    kinds = Counter(line.split()[0] for line in met.read_text().splitlines())
    print(f"\nkilled and continued at {kinds.total()} points: {dict(kinds)}")
    assert kinds["intended"] >= 60 and kinds["carried-out"] >= 60


@pytest.mark.parametrize(
    "tenth", [pytest.param(tenth, marks=pytest.mark.xdist_group(f"alone-{tenth % 3}")) for tenth in range(CARRIED)]
)
def test_one_kill_in_a_fresh_world_ends_as_an_undisturbed_run(
    tenth: int, undisturbed: tuple[Traces, list[str]], tmp_path: Path
) -> None:
    places = undisturbed[1]
    place = (2 * tenth + 1) * len(places) // (2 * CARRIED)
    place += (place + tenth) % 2  # both kinds of moment in turn
    met = tmp_path / "met"
    met.touch()
    with start_world() as world:
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
