"""Killed at any moment and started again, it goes on: at every moment of one run, and at ten of them alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from iris_migrate.rehearsal.launch import start_world
from tests.practice.run import command, killed
from tests.practice.traces import Traces, traces

pytestmark = pytest.mark.long

SIGKILL = -9
CARRIED = 10


@pytest.fixture(scope="module")
def undisturbed() -> Traces:
    with start_world() as world:
        done = command(world, "migrate", "--auto", "--format", "json")
        assert done.status == 0, done.why()
        return traces(world, done.document)


@pytest.fixture(scope="module")
def moments(tmp_path_factory: pytest.TempPathFactory, undisturbed: Traces) -> list[str]:
    """One run killed at every moment in turn, compared with the undisturbed one; the moments."""
    met = tmp_path_factory.mktemp("kill") / "met"
    met.touch()
    with start_world() as world:
        while (done := killed(world, met)).status == SIGKILL:
            pass
        assert done.status == 0, done.why()
        assert_same(traces(world, done.document), undisturbed)
    return met.read_text().splitlines()


def test_a_run_killed_at_every_moment_ends_as_an_undisturbed_one(moments: list[str]) -> None:
    kinds = Counter(moment.split()[0] for moment in moments)
    print(f"\nkilled and continued at {len(moments)} points: {dict(kinds)}")
    assert kinds["intended"] >= 60 and kinds["carried-out"] >= 60


@pytest.mark.parametrize("index", range(CARRIED))
def test_one_kill_in_a_fresh_world_ends_as_an_undisturbed_run(
    index: int, moments: list[str], undisturbed: Traces, tmp_path: Path
) -> None:
    moment = moments[(len(moments) * index) // CARRIED]
    met = tmp_path / "met"
    met.touch()
    print(f"\nkilled at: {moment}")
    with start_world() as world:
        first = killed(world, met, moment)
        assert first.status == SIGKILL, first.why()
        second = killed(world, met, moment)
        assert second.status == 0, second.why()
        assert_same(traces(world, second.document), undisturbed)


def assert_same(found: Traces, undisturbed: Traces) -> None:
    assert found.statuses == undisturbed.statuses
    assert found.made == undisturbed.made
    assert found.files == undisturbed.files
    assert found.jobs == undisturbed.jobs
