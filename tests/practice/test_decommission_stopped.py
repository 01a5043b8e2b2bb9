"""What stops a decommission on its way: a full disk, a list that has grown, somebody who calls. Nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.practice.grounds import DAY, Grounds, Program, grounds_of

pytestmark = [pytest.mark.slow, pytest.mark.long]
# Whoever calls is seen: a throttled call counts, whatever an address that is switched off counts.
SWITCH = "switch_off.how=concurrency"


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with grounds_of(tmp_path_factory.mktemp("stopped")) as found:
        found.advance(9 * DAY)
        yield found


def changes(grounds: Grounds) -> list[str]:
    return [call["operation"] for call in grounds.writes() if call["operation"] != "GetDownloadUrlForLayer"]


def test_a_function_that_is_kept_locks_its_images(grounds: Grounds) -> None:
    listed = Program(grounds, {"keep.function": "true", "images.how": "delete"}).list()
    assert {item.step for item in listed.items} == {"routes", "integrations", "authorizers"}
    assert [kept.partition(":")[0] for kept in listed.kept if ": keep" in kept or "they are kept" in kept] == [
        "old function", "authorizer's function", "images",
    ]  # fmt: skip


def test_another_region_is_refused(grounds: Grounds) -> None:
    elsewhere = grounds.execute(grounds.list()["phrase"], "--set", "aws.region=eu-west-1")
    assert elsewhere.status == 4, elsewhere.why()
    assert "not the phrase of this list" in elsewhere.err and "eu-west-1" in elsewhere.err
    assert changes(grounds) == []


def test_a_full_disk_ends_it_before_anything_changes(grounds: Grounds) -> None:
    phrase = grounds.run("--set", SWITCH, "decommission", "--format", "json").document["phrase"]
    full = grounds.folder / "archive/images/iris-backend/0000.json.sealed.part"
    full.parent.mkdir(parents=True)
    full.symlink_to("/dev/full")  # the kernel itself refuses every byte: ENOSPC
    ended = grounds.execute(phrase, "--set", SWITCH)
    assert ended.status == 1, ended.why()
    assert "No space left on device" in ended.err
    assert changes(grounds) == []
    full.unlink(missing_ok=True)
    soaking = grounds.execute(phrase, "--set", SWITCH)
    assert soaking.status == 4, soaking.why()
    assert changes(grounds) == ["PutFunctionConcurrency", "TagResource"]


def test_a_list_that_grew_is_refused(grounds: Grounds) -> None:
    grounds.advance(26 * 3600)
    gateway = grounds.client("apigatewayv2")
    (api,) = gateway.get_apis()["Items"]
    phrase = grounds.run("--set", SWITCH, "decommission", "--format", "json").document["phrase"]
    target = gateway.get_routes(ApiId=api["ApiId"])["Items"][0]["Target"]
    new = gateway.create_route(ApiId=api["ApiId"], RouteKey="GET /new", Target=target)["RouteId"]
    before = len(changes(grounds))
    refused = grounds.execute(phrase, "--set", SWITCH)
    assert refused.status == 4 and "not the phrase of this list" in refused.err, refused.why()
    gateway.delete_route(ApiId=api["ApiId"], RouteId=new)
    assert changes(grounds)[before:] == ["DeleteRoute"], "only ours, of the route that was in the way"


def test_somebody_who_calls_after_the_gates_stops_it(grounds: Grounds) -> None:
    phrase = grounds.run("--set", SWITCH, "decommission", "--format", "json").document["phrase"]
    assert grounds.ask("/api/iris/health")[0] >= 500
    grounds.advance(400)
    before = changes(grounds)
    stopped = grounds.execute(phrase, "--set", SWITCH)
    assert stopped.status == 1, stopped.why()
    assert "somebody still calls the old side" in stopped.out + stopped.err
    assert changes(grounds) == before, "nothing was deleted"
