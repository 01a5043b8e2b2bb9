"""What goes wrong on a real host while a run works there: it is told, the run goes on to its end, all is done once."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.host.site import LIMIT, Site
from tests.practice.run import Done

HALF_WRITTEN = "find /etc /opt /usr/local /var/iris /var/lib/iris-migrate /root -xdev -name '.iris-migrate.*'"


@dataclass(frozen=True)
class Case:
    """One entry of bad_input.yaml."""

    name: str
    plant: str
    told: str
    once: str
    world: str = ""
    then: str = "true"


CASES = [Case(**item) for item in yaml.safe_load(Path(__file__).with_name("bad_input.yaml").read_text())["cases"]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_it_is_told_and_gone_on_with(case: Case, site: Site, tmp_path: Path) -> None:
    before = counted(site, case)
    with planted(site, case) as relieve:
        through = run_through(site, case, relieve, tmp_path)
    assert through.status == 0, through.why()
    assert site.said(HALF_WRITTEN) == ""
    assert counted(site, case) == before + 1, "it was done once"
    again = site.migrate()
    assert again.status == 0, again.why()


def counted(site: Site, case: Case) -> int:
    return int(site.said(f"{case.once} || true"))


@contextmanager
def planted(site: Site, case: Case) -> Iterator[Callable[[], None]]:
    """The trouble; yields what ends it."""

    def relieve() -> None:
        if case.world:
            site.control("faults", {"mend": case.world})

    site.said(case.plant)
    if case.world:
        site.control("faults", {"add": case.world})
    try:
        yield relieve
    finally:
        relieve()


def run_through(site: Site, case: Case, relieve: Callable[[], None], folder: Path) -> Done:
    """A run during which something happens as soon as it tells these words."""
    command = [sys.executable, "-m", "iris_migrate.cli", "migrate", "--auto", "--format", "json"]
    result, said, told = folder / "result.json", "", False
    with result.open("wb") as out:
        running = subprocess.Popen(
            command, env=site.world.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
    assert running.stderr is not None
    late = threading.Timer(LIMIT, running.kill)
    late.start()
    try:
        for line in running.stderr:
            said += line
            if not told and case.told in line and "▶" not in line:
                told = True
                site.said(case.then)
                relieve()
        done = Done(running.wait(), result.read_text(), said)
    finally:
        late.cancel()
        running.kill()
    assert told, done.why()
    return done
