"""The old side of a practice world is listed, taken down, brought back: through the commands, as people do it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.practice.grounds import DAY, SECOND, Grounds, Program, grounds_of

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.xdist_group("decommission")]

KINDS = {
    "archive.complete", "apigateway.endpoint_off", "apigateway.routes_absent", "apigateway.integrations_absent",
    "apigateway.authorizers_absent", "lambdas.absent", "ecr.images_absent", "lambdas.log_retention",
    "documents.deprecated", "outside.alike", "outside.refuses", "ecr.images_there", "lambdas.there",
    "apigateway.integrations_there", "apigateway.authorizers_there", "apigateway.routes_there",
    "apigateway.endpoint_on",
}  # fmt: skip
# Those that only an account needs in which nothing is.
BACK = {
    "apigateway.api_there", "apigateway.stages_there", "ecr.repositories_there", "iam.roles_there",
    "lambdas.log_groups_there",
}  # fmt: skip


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with grounds_of(tmp_path_factory.mktemp("decommission")) as found:
        yield found


def gates(listed: dict[str, Any]) -> dict[str, bool]:
    return {gate["id"]: gate["open"] for gate in listed["gates"]}


def test_the_old_side_is_listed_taken_down_and_brought_back(grounds: Grounds) -> None:
    before, endpoint, digests = grounds.answers(), grounds.endpoint(), grounds.digests()
    assert before == {"health": 200, "without a key": 401, "analysis": 200}
    listed = grounds.list()
    assert not gates(listed)["idle"], "it was called a moment ago"
    assert len(listed["items"]) == 11 and {item["state"] for item in listed["items"]} == {"pending"}
    assert any("their URLs" in lost for lost in listed["lost"]), "what another account could not get is said before"
    assert grounds.writes() == [], "listing changes nothing"

    refused = grounds.execute("decommission 123456789012 us-east-1 00000000")
    assert refused.status == 4 and listed["phrase"] in refused.err
    assert grounds.writes() == [], "another phrase changes nothing"

    closed = grounds.execute(listed["phrase"])
    assert closed.status == 4, closed.why()
    assert {call["operation"] for call in grounds.writes()} <= {"GetDownloadUrlForLayer"}, "a gate is closed"
    assert grounds.answers() == before

    grounds.advance(9 * DAY)
    soaking = grounds.execute(listed["phrase"])
    assert soaking.status == 4, soaking.why()
    assert "IRIS_ARCHIVE_KEY" in closed.err + soaking.err, "a new key is told"
    assert [call["operation"] for call in grounds.writes()] == ["UpdateApi", "TagResource"]
    assert grounds.answers()["health"] == 404, "switched off"

    grounds.advance(26 * 3600)
    done = grounds.execute(listed["phrase"], "--answers", str(grounds.folder / "answers.yaml"))
    assert done.status == 0, done.why()
    assert {item["state"] for item in done.document["items"]} == {"gone"}
    assert in_order(grounds.writes())
    assert grounds.digests() == []
    assert set(grounds.answers().values()) == {404}
    assert "Deprecated" in (grounds.folder / "checkout/README.md").read_text()
    assert grounds.run("archive", "verify").status == 0

    restored = grounds.run("restore", "--execute", "--format", "json")
    assert restored.status == 0, restored.why()
    assert grounds.endpoint() == endpoint
    assert grounds.digests() == digests
    assert grounds.answers() == before


def test_it_comes_back_in_an_empty_account_from_the_archive_alone(grounds: Grounds, tmp_path: Path) -> None:
    """Other keys, an empty state folder: the archive and its key are all there is."""
    second = grounds.second(tmp_path, next((grounds.state / "archive-keys").iterdir()).read_text().strip())
    digests, endpoint, writes = grounds.digests(), grounds.endpoint(), len(grounds.writes())
    unsaid = second.run("restore", "--execute")
    assert unsaid.status == 3 and f"--into {SECOND}" in unsaid.err, "another account is not gone into by mistake"
    shown = second.run("restore", "--into", SECOND)
    assert shown.status == 1 and "CreateApi" in shown.out and "‹api-1." in shown.out
    assert len(grounds.writes()) == writes, "neither changes anything"

    done = second.run("restore", "--into", SECOND, "--execute", "--format", "json")
    assert done.status == 0, done.why()
    assert second.endpoint() != endpoint
    assert second.digests() == digests
    assert second.answers() == {"health": 200, "without a key": 401, "analysis": 200}
    account = [call["account"] for call in grounds.writes()[writes:]]
    assert set(account) == {SECOND}, "nothing of the first account was touched"
    named = json.dumps([second.client("lambda").get_function(FunctionName="iris-backend"),
                        second.client("apigatewayv2").get_apis()], default=str)  # fmt: skip
    assert "123456789012" not in named
    again = second.run("restore", "--into", SECOND)
    assert again.status == 0, again.why()
    assert second.undone() >= BACK
    assert second.client("apigatewayv2").get_apis()["Items"] == []
    assert second.client("lambda").list_functions()["Functions"] == []


def in_order(writes: Sequence[dict[str, Any]]) -> bool:
    """Routes before what they name, functions before their images, indexes before what they hold."""
    order = [call["operation"] for call in writes if call["status"] < 400]
    places = [
        order.index(name)
        for name in ("UpdateApi", "DeleteRoute", "DeleteIntegration", "DeleteAuthorizer", "DeleteFunction",
                     "BatchDeleteImage", "PutRetentionPolicy")
    ]  # fmt: skip
    sizes = [len(call["params"]["imageIds"]) for call in writes if call["operation"] == "BatchDeleteImage"]
    return places == sorted(places) and sizes == [1, 3] and order.count("DeleteFunction") == 2


def test_no_secret_is_in_the_clear(grounds: Grounds) -> None:
    secrets = [grounds.world.env[name].encode() for name in ("OPENAI_API_KEY", "IRIS_API_KEYS")]
    files = [path for path in (grounds.folder / "archive").rglob("*") if path.is_file()]
    assert len(files) > 15
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    state = Path(grounds.world.env["IRIS_MIGRATE_STATE"])
    files += [path for path in (state / "migrations").rglob("*") if path.is_file()]
    assert [path for path in files for secret in secrets if secret in path.read_bytes()] == []


def test_every_class_is_undone(grounds: Grounds) -> None:
    """First the way back is taken back, then the way down: at the end the old side answers as at first."""
    program = Program(grounds)
    back = program.undone(restored=True)
    assert grounds.digests() == []
    assert grounds.answers()["health"] == 404
    assert back | program.undone() == KINDS
    assert grounds.answers() == {"health": 200, "without a key": 401, "analysis": 200}
    assert "Deprecated" not in (grounds.folder / "checkout/README.md").read_text()
