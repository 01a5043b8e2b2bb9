"""A diagnosis names the cause that was planted, and no other; of a pair both; and nothing where nothing is wrong."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from iris_migrate.auto import AutoOperator
from iris_migrate.engine.diagnosis import Diagnosis
from iris_migrate.engine.events import Event, Waiting
from iris_migrate.engine.facts import KINDS as ASKED
from iris_migrate.engine.session import Session
from iris_migrate.language.troubleshooting import KINDS, book
from tests.practice.faults import Ground
from tests.practice.finished import Finished, forget_the_last_hour
from tests.practice.run import command
from tests.practice.test_every_step import LIMIT, Looker, ground, looker

__all__ = ["ground", "looker"]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("journey")]


@dataclass(frozen=True)
class Planted:
    """One cause as it is planted. `names` are the causes that a diagnosis names then."""

    cause: str
    plant: Sequence[Mapping[str, Any]]
    back: Sequence[Mapping[str, Any]]
    names: Sequence[str] = ()
    apart: Sequence[str] | str = ()
    first: bool = False

    @property
    def named(self) -> set[str]:
        return set(self.names) or {self.cause}

    def is_apart(self, other: Planted) -> bool:
        if self.apart == "units":
            return "service_name" in f"{other.plant}" or "paths_env" in f"{other.plant}"
        return self.apart == "all" or other.cause in self.apart


CAUSES = [Planted(**item) for item in yaml.safe_load(Path(__file__).with_name("causes.yaml").read_text())["causes"]]
FIRST = [item for item in CAUSES if item.first]


def beside(one: Planted) -> list[Planted]:
    """With which others a cause is planted: all of the first ones, and the next two that are a pair with it."""
    at = CAUSES.index(one)
    others = [*CAUSES[at + 1 :], *CAUSES[:at]]
    fitting = [other for other in others if not one.is_apart(other) and not other.is_apart(one)]
    return [
        other for other in fitting if other in fitting[:2] or (one.first and other.first and at < CAUSES.index(other))
    ]


@pytest.fixture(scope="module")
def doctor(looker: Looker, ground: Ground) -> Iterator[Doctor]:
    ground.names = {**ground.names, "python": sys.executable}
    yield Doctor(looker, ground, looker.session("lambda-to-ec2", {}))


@dataclass
class Doctor:
    looker: Looker
    ground: Ground
    session: Session

    def diagnose(self) -> Diagnosis:
        self.looker.runner.run(self.session.inspect())
        return self.looker.runner.run(self.session.diagnose())

    @contextmanager
    def planted(self, cause: Planted, beside: frozenset[str] = frozenset()) -> Iterator[None]:
        """A cause; taken back at the end, and waited for until only those are named that stand beside it."""
        # What is kept for taking back lies apart: two may keep files of one name.
        places = {name: f"{self.ground.names[name]}/{cause.cause}" for name in ("keep", "desk")}
        Path(places["desk"]).mkdir(exist_ok=True)
        where = replace(self.ground, names={**self.ground.names, **places})
        try:
            for action in cause.plant:
                where.act(action, lambda _: None)
            yield
        finally:
            for action in cause.back:
                try:
                    where.act(action, lambda _: None)
                except AssertionError:
                    if not beside:  # what stands beside it may keep the service from starting again
                        raise
            where.close()
        left = self.until(beside)
        assert named(left) == beside, f"after it was taken back: {told(left)}"

    def until(self, wanted: set[str] | frozenset[str]) -> Diagnosis:
        """Diagnose until these are named, for as long as the world may take."""
        end = time.monotonic() + LIMIT
        while named(found := self.diagnose()) != wanted and time.monotonic() < end:
            time.sleep(1.0)  # a look costs most of a second of the machine that the service needs to come up
        return found


def named(found: Diagnosis) -> set[str]:
    return {cause.id for cause in found.named}


def told(found: Diagnosis) -> str:
    return "\n".join(f"{cause.id}: {[(item.asked, item.seen) for item in cause.facts]}" for cause in found.named)


def test_the_kinds_of_facts_are_those_that_can_be_asked() -> None:
    assert {*ASKED, "step", "resource"} == KINDS


def test_every_fact_and_cause_can_be_told_with_the_shipped_checklist() -> None:
    found = book("lambda-to-ec2")
    assert {name: ask.lacking for name, ask in found.asks.items() if ask.lacking} == {}
    known = {cause.id for symptom in found.symptoms.values() for cause in symptom.causes}
    assert {item.cause for item in CAUSES} <= known
    assert {name for item in CAUSES for name in item.named} <= known


def test_nothing_is_named_on_a_healthy_host(doctor: Doctor) -> None:
    found = doctor.diagnose()
    assert told(found) == ""
    assert found.untold == ()
    assert found.open == ()


@pytest.mark.parametrize("cause", FIRST, ids=lambda item: item.cause)
def test_a_cause_is_named_and_no_other(cause: Planted, doctor: Doctor) -> None:
    alone(cause, doctor)


@pytest.mark.long
@pytest.mark.parametrize("cause", [item for item in CAUSES if not item.first], ids=lambda item: item.cause)
def test_each_other_cause_is_named_and_no_other(cause: Planted, doctor: Doctor) -> None:
    alone(cause, doctor)


def alone(cause: Planted, doctor: Doctor) -> None:
    with doctor.planted(cause):
        found = doctor.until(cause.named)
        assert named(found) == cause.named, told(found)
        again = doctor.diagnose()
        assert named(again) == cause.named, f"named at one moment only: {told(again)}"
        assert all(item.facts for item in found.named), "a cause says by which facts it was named"


@pytest.mark.long
@pytest.mark.parametrize("one", [item for item in CAUSES if beside(item)], ids=lambda item: item.cause)
def test_of_a_pair_both_are_named(one: Planted, doctor: Doctor) -> None:
    together(one, beside(one), doctor)


def test_of_two_faults_at_once_both_are_named(doctor: Doctor) -> None:
    known = {item.cause: item for item in CAUSES}
    together(known["certificate-expired"], [known["port-taken"]], doctor)


def together(one: Planted, others: Sequence[Planted], doctor: Doctor) -> None:
    with doctor.planted(one):
        for other in others:
            with doctor.planted(other, frozenset(one.named)):
                wanted = one.named | other.named
                found = doctor.until(wanted)
                assert named(found) == wanted, f"{one.cause} and {other.cause}: {told(found)}"


def test_a_cause_is_mended_by_its_remedy_as_a_run(finished: Finished, doctor: Doctor) -> None:
    """The command line alone: named, mended with consent, then nothing is named."""
    cause = next(item for item in CAUSES if item.cause == "cache-open-to-others")
    forget_the_last_hour(finished)
    where = doctor.ground
    for action in cause.plant:
        where.act(action, lambda _: None)
    said = command(finished.world, "diagnose", "--format", "json")
    assert said.status == 1, said.why()
    (only,) = said.document["causes"]
    assert only["id"] == cause.cause and "cache-directory" in only["explains"]
    assert [step["id"] for step in only["remedy"]["steps"]] == ["cache-directory"]
    verified = command(finished.world, "verify", "--format", "json")
    (step,) = [step for step in verified.document["steps"] if step["id"] == "cache-directory"]
    assert [item["id"] for item in step["causes"]] == [cause.cause]
    mended = command(finished.world, "diagnose", "--mend", "--auto", "--format", "json")
    assert mended.status == 0, mended.why()
    assert mended.document["causes"] == [] and "Set the mode of" in mended.err


def test_another_system_is_told_at_the_first_contact_and_not_after_a_time_limit(doctor: Doctor) -> None:
    cause = next(item for item in CAUSES if item.cause == "another-system")
    said: list[str] = []
    operator = doctor.session.operator
    assert isinstance(operator, AutoOperator)
    with doctor.planted(cause):
        doctor.session.operator = replace(operator, say=said.append)
        waited: list[Event] = []
        end = doctor.session.listen(waited.append)
        doctor.looker.runner.run(doctor.session.run(["ssh"]))
        end()
    doctor.session.operator = operator
    assert any("set it to the profile of that system" in line for line in said)
    assert any("Cause: The host runs another system" in line for line in said)
    assert not any(isinstance(event, Waiting) and event.step == "ssh" for event in waited)
