"""The old side behind a REST API is taken down and brought back: stages, usage plans, methods, authorizer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.practice.grounds import Grounds, Program, grounds_of

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.xdist_group("decommission rest")]
# Besides those that test_decommission carries out and undoes.
KINDS = {
    "apigateway.stages_absent", "apigateway.stages_there", "apigateway.plans_absent", "apigateway.plans_there",
}  # fmt: skip
THROTTLED = "TooManyRequestsException"  # a new program does not know when the last one called
SERVED = {"health": 200, "without a key": 401, "analysis": 200}


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with grounds_of(tmp_path_factory.mktemp("decommission"), "rest+zip+access-log") as found:
        yield found


def test_a_rest_api_is_taken_down_and_brought_back_at_the_same_url(grounds: Grounds) -> None:
    assert grounds.answers() == SERVED
    endpoint, program = grounds.endpoint(), Program(grounds)
    done = program.taken_down()
    assert {item.state for item in done.items} == {"gone"}, program.why(done)
    order = [call["operation"] for call in grounds.writes() if call["status"] < 400]
    wanted = ["UpdateRestApi", "UpdateStage", "UpdateUsagePlan", "DeleteStage", "DeleteMethod", "DeleteAuthorizer",
              "DeleteFunction", "PutRetentionPolicy"]  # fmt: skip
    assert list(dict.fromkeys(name for name in order if name in wanted)) == wanted
    assert [call["error"] for call in grounds.writes() if call["status"] >= 400 and call["error"] != THROTTLED] == []
    assert grounds.ask_at(f"{endpoint}/api/iris/health") == 403
    apigateway = grounds.client("apigateway")
    (api,) = apigateway.get_rest_apis()["items"]
    assert apigateway.get_stages(restApiId=api["id"])["item"] == []

    back = program.restore()
    assert back.exit_code == 0, program.why(back)
    assert grounds.endpoint() == endpoint
    assert grounds.answers() == SERVED
    assert [call["error"] for call in grounds.writes() if call["status"] >= 400 and call["error"] != THROTTLED] == []
    (plan,) = apigateway.get_usage_plans()["items"]
    assert [item["stage"] for item in plan["apiStages"]] == ["prod"]
    (stage,) = apigateway.get_stages(restApiId=api["id"])["item"]
    assert "destinationArn" in stage["accessLogSettings"]


def test_every_class_is_undone(grounds: Grounds) -> None:
    """First the way back is taken back, then the way down."""
    program = Program(grounds)
    back = program.undone(restored=True)
    assert grounds.client("apigateway").get_usage_plans()["items"][0]["apiStages"] == []
    down = program.undone()
    assert back | down >= KINDS
    assert grounds.answers() == SERVED
