"""Clients with the old URL compiled in are moved to the new side, and back: through the command, as people do it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from iris_migrate.auto import AutoOperator
from iris_migrate.engine.options import Options
from iris_migrate.engine.session import Session
from tests.practice.grounds import Grounds, grounds_of
from tests.practice.run import Done
from tests.practice.test_every_step import environment

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.xdist_group("bridge")]
# Besides those that test_decommission carries out and undoes.
KINDS = {"apigateway.bridged", "apigateway.unbridged"}


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with grounds_of(tmp_path_factory.mktemp("bridge")) as found:
        yield found


def bridge(grounds: Grounds, state: str, *more: str) -> Done:
    folder = f"bridge.folder={grounds.folder / 'kept'}"
    return grounds.run("--set", folder, "bridge", state, "--format", "json", *more)


def who_answers(grounds: Grounds) -> str:
    """The new side made by other means calls its agent ready; the old one has a word of its own."""
    status, body = grounds.ask("/api/iris/health")
    assert status == 200
    return "new" if body == {"status": "healthy", "agent": "ready"} else "old"


def undone(grounds: Grounds, state: str) -> set[str]:
    flags = {**grounds.settings, "bridge.state": state, "bridge.folder": str(grounds.folder / "kept")}

    async def back() -> set[str]:
        session = await Session(Options(checklist="bridge", flags=flags), AutoOperator(say=print)).open()
        run = session.start_run()
        await run.look()
        step = session.checklist.step("bridged" if state == "on" else "unbridged")
        outcome = await run.undo(step)
        assert not outcome.error, outcome.error
        await session.end_run(run, "done")
        await session.close()
        return {step.resource}

    with environment(grounds.world.environment()):
        return asyncio.run(back())


def test_clients_move_to_the_new_side_and_back_with_the_same_url(grounds: Grounds) -> None:
    endpoint = grounds.endpoint()
    assert who_answers(grounds) == "old"
    shown = bridge(grounds, "on")
    assert shown.status == 1 and "UpdateIntegration" in shown.out
    assert grounds.writes() == [], "showing changes nothing"

    moved = bridge(grounds, "on", "--execute")
    assert moved.status == 0, moved.why()
    assert [call["operation"] for call in grounds.writes()] == ["UpdateIntegration"], "one call moves them all"
    assert (grounds.endpoint(), who_answers(grounds)) == (endpoint, "new")
    assert grounds.answers()["without a key"] == 401, "the authorizer still asks for a key"
    calls = len(grounds.writes())

    back = bridge(grounds, "off", "--execute")
    assert back.status == 0, back.why()
    assert len(grounds.writes()) == calls + 1, "one call moves them back"
    assert (grounds.endpoint(), who_answers(grounds)) == (endpoint, "old")
    (integration,) = grounds.client("apigatewayv2").get_integrations(ApiId=endpoint[8:].partition(".")[0])["Items"]
    assert integration["IntegrationType"] == "AWS_PROXY" and not integration.get("RequestParameters")


def test_both_ways_are_undone(grounds: Grounds) -> None:
    assert who_answers(grounds) == "old"
    assert undone(grounds, "off") == {"apigateway.unbridged"}
    assert who_answers(grounds) == "new"
    assert undone(grounds, "on") == {"apigateway.bridged"}
    assert who_answers(grounds) == "old"
