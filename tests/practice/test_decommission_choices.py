"""What a decommission lets one choose: another way of switching off. Each is carried out, and taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from iris_migrate.rehearsal.old_sides import CUSTOM_DOMAIN
from tests.practice.grounds import DAY, Grounds, Program, grounds_of

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.xdist_group("decommission choices")]
# Besides those that test_decommission carries out and undoes.
KINDS = {"lambdas.concurrency_zero", "lambdas.concurrency_back"}
SERVED = {"health": 200, "without a key": 401, "analysis": 200}


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with grounds_of(tmp_path_factory.mktemp("decommission"), "custom-domain") as found:
        yield found


def reserved(grounds: Grounds) -> int | None:
    answer = grounds.client("lambda").get_function_concurrency(FunctionName="iris-backend")
    found: int | None = answer.get("ReservedConcurrentExecutions")
    return found


def test_a_function_that_takes_no_calls_is_another_way_to_switch_off(grounds: Grounds) -> None:
    grounds.client("lambda").put_function_concurrency(FunctionName="iris-backend", ReservedConcurrentExecutions=5)
    assert grounds.answers() == SERVED
    program = Program(grounds, {"switch_off.how": "concurrency"})
    grounds.advance(9 * DAY)
    phrase = program.list().phrase
    soaking = program.execute(phrase)
    assert {item.state for item in soaking.items} == {"pending"}, program.why(soaking)
    assert reserved(grounds) == 0
    assert grounds.answers()["health"] >= 500, "callers see errors of the server"
    back = program.restore()
    assert back.exit_code == 0, program.why(back)
    assert reserved(grounds) == 5, "the old value was kept"
    assert grounds.answers() == SERVED


def test_it_goes_on_to_the_end_and_comes_back(grounds: Grounds) -> None:
    endpoint, program = grounds.endpoint(), Program(grounds, {"switch_off.how": "concurrency"})
    done = program.taken_down()
    assert {item.state for item in done.items} == {"gone"}, program.why(done)
    proof = json.loads((grounds.folder / "archive/proofs/refused.json").read_text())
    asked = {name.removeprefix("old "): seen["status"] for name, seen in proof["calls"].items()}
    assert set(asked) == {endpoint, f"https://{CUSTOM_DOMAIN}"}, "every public name"
    assert min(asked.values()) >= 429
    back = program.restore()
    assert back.exit_code == 0, program.why(back)
    assert (grounds.endpoint(), reserved(grounds)) == (endpoint, 5)
    assert grounds.answers() == SERVED
    kinds = program.undone(restored=True) | program.undone()
    assert kinds >= KINDS
    assert reserved(grounds) == 5
    assert grounds.answers() == SERVED
