"""What names a cause: facts that were told, and a tool's own words; never a fact that is not to be had."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from iris_migrate.changes import AwsCall, Change, HostCommand, HostScript
from iris_migrate.engine.diagnosis import Diagnosis, Diagnostician, Wrote
from iris_migrate.engine.inspection import Inspected, Inspection
from iris_migrate.findings import Finding, Verdict
from iris_migrate.language.checklist import Checklist, Phase, Step
from iris_migrate.language.troubleshooting import Ask, Book, Cause, Symptom
from iris_migrate.target import Shell, UnitState, Unreadable

PIP = HostCommand(says="Install", argv=("pip", "install"))
SCRIPT = HostScript(says="Try", name="try", script="echo 'No space left on device'")


class Host:
    """A host that tells of units, and of nothing else."""

    def __init__(self, active: str) -> None:
        self.active = active

    async def unit(self, name: str) -> UnitState:
        return UnitState(name, "loaded", self.active, "", "enabled", 0, False, "", 0.0, 0.0, 0, "success", "")

    async def clock(self) -> Any:
        return SimpleNamespace(wall=0.0, boot=100.0, boot_id="b")

    async def stat(self, path: str) -> None:
        raise Unreadable(f"{path}: the disk does not answer")


ASKS = {
    "unit": Ask("unit", "the service", "host.unit", {"name": "a.service"}, "active"),
    "file": Ask("file", "its file", "host.stat", {"path": "/a"}),
    "start": Ask("start", "the step start", "step", {"step": "start"}),
    "other": Ask("other", "another step", "step", {"step": "nowhere"}, lacking="this checklist has no step nowhere"),
}
DOWN = Cause("It is down.", "", "Start it.", "down", ("unit.active != 'active'",), ("unit",), (), ("start",))
LOST = Cause("Its file is lost.", "", "Write it.", "lost", ("unit.active != 'active'", "!file.there"), ("unit", "file"))
ELSEWHERE = Cause("Elsewhere.", "", "Look there.", "elsewhere", ("other.verdict == 'holds'",), ("other",))
WORSE = Cause("Something is wrong.", "", "Look.", "worse", ("start.verdict == 'differs'",), ("start",), ("down",))
FULL = Cause("The disk is full.", "No space left on device", "Make room.", "full")


def doctor(active: str, *causes: Cause, verdict: Verdict = Verdict.DIFFERS) -> Diagnostician:
    step = Step("start", "1", "It runs", "service.running", {"name": "a"}, troubleshoot=("stopped",))
    checklist = Checklist("c", "C", "", (Phase("1", "P"),), (step,))
    found = Inspected(step, cast(Any, SimpleNamespace(plan=lambda finding: [PIP])), Finding(verdict))
    target = SimpleNamespace(host=Host(active), clock=SimpleNamespace(now=lambda: 0.0))
    inspection = SimpleNamespace(
        checklist=checklist, found={"start": found}, target=target, known=lambda item: item, key=lambda name: name
    )
    book = Book(ASKS, {"stopped": Symptom("stopped", "It does not run.", (), causes)})
    return Diagnostician(cast(Inspection, inspection), lambda: book)


def names(found: Diagnosis) -> list[str]:
    return [cause.id for cause in found.named]


async def test_a_cause_is_named_with_the_facts_that_name_it() -> None:
    found = await doctor("failed", DOWN).all()
    assert names(found) == ["down"] and found.unexplained == ()
    (cause,) = found.of("start")
    assert [(item.asked, item.seen) for item in cause.facts] == [("the service", "failed")]


async def test_the_last_end_of_a_service_that_is_started_again_is_told_by_its_journal() -> None:
    def unit(active: str, ended: int) -> UnitState:
        return UnitState("a", "loaded", active, "", "", 0, False, "", 0.0, 0.0, 4, "success", "", ended)

    asked: list[str] = []

    async def shell(script: str, *, root: bool = False) -> Shell:
        asked.append(script)
        return Shell(0, "a.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED\n", "")

    async def clock() -> Any:
        return SimpleNamespace(wall=0.0, boot=100.0, boot_id="b")

    ended = Cause("It ended with 3.", "", "Look.", "ended", ("unit.exit_code == `3`",), ("unit",))
    for state, named in ((unit("activating", 0), ["ended"]), (unit("active", 0), []), (unit("failed", 3), ["ended"])):
        found = doctor("", ended)

        async def told(name: str, state: UnitState = state) -> UnitState:
            return state

        found.inspection.target.host = SimpleNamespace(unit=told, clock=clock, shell=shell)  # type: ignore[misc]
        assert names(await found.all()) == named
    assert len(asked) == 1


async def test_nothing_is_named_when_the_facts_say_otherwise() -> None:
    found = await doctor("active", DOWN, LOST).all()
    assert (found.named, found.untold) == ((), ()), "a fact that does not decide is not missed"
    assert found.unexplained == ("start",) and [item.id for item in found.symptoms] == ["stopped"]


async def test_a_fact_that_is_not_to_be_had_names_nothing() -> None:
    found = await doctor("failed", LOST).all()
    assert found.named == ()
    assert [(item.id, item.why) for item in found.untold] == [("lost", "/a: the disk does not answer")]


async def test_a_cause_of_another_checklist_is_left_out_without_a_word() -> None:
    found = await doctor("failed", ELSEWHERE).all()
    assert (found.named, found.untold) == ((), ())


async def test_what_says_it_better_stands_alone() -> None:
    assert names(await doctor("failed", WORSE, DOWN).all()) == ["down"]
    assert names(await doctor("active", WORSE, DOWN).all()) == ["worse"]


@pytest.mark.parametrize(
    ("change", "lines", "error", "named"),
    [
        (PIP, ("ERROR: No space left on device",), "", ["full"]),
        (PIP, (), "No space left on device", []),  # the program's own sentence about it
        (SCRIPT, ("No space left on device",), "", []),  # a text of the checklist's own script
        (None, ("No space left on device",), "", []),
        (AwsCall(says="x", service="ec2", operation="X", params={}), (), "No space left on device", ["full"]),
    ],
)
async def test_only_a_tools_own_words_are_believed(
    change: Change | None, lines: tuple[str, ...], error: str, named: list[str]
) -> None:
    assert names(await doctor("failed", FULL).of(["start"], Wrote(change, lines, error))) == named


async def test_a_remedy_is_a_plan_of_steps() -> None:
    made = doctor("failed", DOWN)
    (cause,) = (await made.all()).named
    assert [(step.id, changes) for step, changes in made.plan(cause)] == [("start", (PIP,))]


async def test_a_step_that_holds_is_not_open() -> None:
    found = await doctor("active", DOWN, verdict=Verdict.HOLDS).all()
    assert found == Diagnosis()
