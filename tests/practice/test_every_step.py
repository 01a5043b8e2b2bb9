"""Each shipped step tells its fault: planted, it does not hold and says why; taken back, it holds again."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from iris_migrate.auto import AutoOperator
from iris_migrate.engine.inspection import Inspected
from iris_migrate.engine.options import Options
from iris_migrate.engine.session import Session
from iris_migrate.findings import Verdict
from iris_migrate.language.load import load
from tests.practice.faults import Fault, Ground, read_faults
from tests.practice.finished import Finished

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("journey")]

CHECKLISTS = ("lambda-to-ec2", "monitoring")
FAULTS, CANNOT = read_faults()
LIMIT = 60.0  # seconds in which a fault shows, and is gone again: a service counts as running after 10


class OffClock:
    """This workstation's clock, some seconds off."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def now(self) -> float:
        return time.time() + self._seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Looker:
    """Sessions in this process on the world, one for each checklist and set of settings."""

    runner: asyncio.Runner
    sessions: dict[tuple[str, str, float], Session] = field(default_factory=dict)

    def session(self, checklist: str, settings: Mapping[str, str], clock: float = 0.0) -> Session:
        key = (checklist, str(settings), clock)
        if key not in self.sessions:
            options = Options(checklist=checklist, flags=settings)
            opened = Session(options, AutoOperator(say=print), clock=OffClock(clock)).open()
            self.sessions[key] = self.runner.run(opened)
        return self.sessions[key]

    def look(self, fault: Fault, checklist: str, clock: float = 0.0) -> dict[str, Inspected]:
        session = self.session(checklist, fault.settings, clock)
        steps = list(fault.of(checklist))
        self.runner.run(session.inspect(steps))
        return {step: session.inspected(step) for step in steps}

    def carry_out(self, fault: Fault, steps: Sequence[str]) -> None:
        """The steps' own plans, by the program's executor."""
        session = self.session("lambda-to-ec2", fault.settings)
        self.runner.run(_carried_out(session, steps))

    def close(self) -> None:
        for session in self.sessions.values():
            self.runner.run(session.close())


async def _carried_out(session: Session, steps: Sequence[str]) -> None:
    run = session.start_run()
    for step in steps:
        found = session.inspected(step)
        outcome = await run.executor.execute(run.number, found.resource.key, found.plan(), found.finding)
        assert outcome.failed is None, (outcome.error, outcome.lines)
    await session.end_run(run, "done")


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """The process's environment as the world's, and back."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="module")
def looker(finished: Finished) -> Iterator[Looker]:
    with environment(finished.world.environment()), asyncio.Runner() as runner:
        looker = Looker(runner)
        try:
            yield looker
        finally:
            looker.close()


def names(looker: Looker) -> dict[str, str]:
    """What scripts may name: every setting, and what the migration made."""
    session = looker.session("lambda-to-ec2", {})
    looker.runner.run(session.inspect(["instance", "security-group", "elastic-ip"]))
    outputs = {step: session.inspected(step).finding.outputs for step in ("instance", "security-group", "elastic-ip")}
    settings = session.checklist.settings
    return {name.replace(".", "_"): str(item.value) for name, item in settings.items()} | {
        "instance": str(outputs["instance"]["id"]),
        "group": str(outputs["security-group"]["id"]),
        "elastic_ip": str(outputs["elastic-ip"]["public_ip"]),
        "allocation": str(outputs["elastic-ip"]["allocation_id"]),
    }


@pytest.fixture(scope="module")
def ground(finished: Finished, looker: Looker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    found = names(looker)
    places = {"keep": f"{found['host_root']}/tmp/faults", "desk": str(tmp_path_factory.mktemp("desk"))}
    ground = Ground(finished.world, found | places)
    yield ground
    ground.close()


def test_every_shipped_step_has_its_fault() -> None:
    planted = {step if "/" in step else f"lambda-to-ec2/{step}" for fault in FAULTS for step in fault.steps}
    shipped = {f"{name}/{step.id}" for name in CHECKLISTS for step in load(name).steps}
    excused = {step if "/" in step else f"lambda-to-ec2/{step}" for step in CANNOT}
    assert shipped - planted - excused == set()
    assert (planted | excused) - shipped == set(), "a fault of a step that is no longer there"
    assert planted & excused == set()
    assert all(len(reason) > 20 for reason in CANNOT.values())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_told_and_gone_when_it_is_taken_back(fault: Fault, looker: Looker, ground: Ground) -> None:
    def act(actions: Sequence[Mapping[str, Any]]) -> None:
        for action in actions:
            ground.act(action, lambda steps: looker.carry_out(fault, steps))

    checklists = [name for name in CHECKLISTS if fault.of(name)]
    act(fault.plant)
    try:
        for checklist in checklists:
            wanted = {step: ground.words(words) for step, words in fault.of(checklist).items()}
            found = until(lambda name=checklist: looker.look(fault, name, fault.clock), telling(wanted))
            for step, words in wanted.items():
                assert not found[step].finding.holds, f"{step} holds: {found[step].finding}"
                assert words in told(found[step]), f"{step} says {told(found[step])}"
    finally:
        act(fault.back)
    try:
        for checklist in checklists:
            found = until(lambda name=checklist: looker.look(fault, name), everything_holds)
            for step, inspected in found.items():
                assert inspected.finding.holds, f"{step} after it was taken back: {told(inspected)}"
    finally:
        act(fault.after)


def told(found: Inspected) -> str:
    """What tells that it does not hold: the reason, and the evidence that is not as expected."""
    wrong = [item for item in found.finding.evidence if item.verdict is not Verdict.HOLDS]
    return "\n".join([found.finding.reason, *(f"{item.asked}: {item.expected}, but {item.seen}" for item in wrong)])


def until(
    look: Callable[[], dict[str, Inspected]], enough: Callable[[dict[str, Inspected]], bool]
) -> dict[str, Inspected]:
    """Look again until it is enough, or for as long as the world may take."""
    end = time.monotonic() + LIMIT
    while not enough(found := look()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def telling(words: Mapping[str, str]) -> Callable[[Mapping[str, Inspected]], bool]:
    """No step holds, and each says its words: what was restarted a moment ago is told to be too young first."""
    return lambda found: (
        not any(found[step].finding.holds or spoken not in told(found[step]) for step, spoken in words.items())
    )


def everything_holds(found: Mapping[str, Inspected]) -> bool:
    return all(item.finding.holds for item in found.values())
