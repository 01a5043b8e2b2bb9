"""What an archive names, as it is called where it is brought back."""

from __future__ import annotations

from iris_migrate.engine.elsewhere import Names, Place, bound
from iris_migrate.values import Text, Unresolved

HERE, THERE = Place("123456789012", "us-east-1"), Place("210987654321", "eu-west-1")
NAMES = Names(HERE, THERE, {"a1b2c3": "api-1"})
ID = Unresolved("api-1", "id")


def test_account_and_region_are_replaced_in_arns_registries_and_addresses() -> None:
    inner = "arn:aws:lambda:{1}:{0}:function:iris/invocations"
    for said in (
        "arn:aws:iam::{0}:role/iris",
        "{0}.dkr.ecr.{1}.amazonaws.com/iris@sha256:00",
        f"arn:aws:apigateway:{{1}}:lambda:path/2015-03-31/functions/{inner}",
    ):
        then, now = said.format(HERE.account, HERE.region), said.format(THERE.account, THERE.region)
        assert NAMES.here(then) == now
    for other in ("arn:aws:iam::1234567890123:role/x", "123456789012", "us-east-1", "arn:aws:s3:::us-east-1-logs"):
        assert NAMES.here(other) == other, "another account, or no name of AWS"


def test_an_api_s_id_is_what_its_step_tells_wherever_it_is_named() -> None:
    named = NAMES.named({"api": "a1b2c3", "source": "arn:aws:execute-api:us-east-1:123456789012:a1b2c3/*"})
    assert named["api"] == ID
    assert named["source"] == Text(("arn:aws:execute-api:eu-west-1:210987654321:", ID, "/*"))
    assert NAMES.named("xa1b2c3") == "xa1b2c3"


def test_places_in_the_archive_keep_their_names() -> None:
    item = {"from": "apis/a1b2c3/integrations.json", "sealed": {"x": "a1b2c3"}, "api": "a1b2c3"}
    assert NAMES.named(item) == {**item, "api": ID}


def test_what_belongs_to_its_account_is_told() -> None:
    state = {"fields": ["Timeout", "VpcConfig"]}
    kept = {
        "apis": [{"kind": "REST", "id": "r1"}], "integrations": [], "guards": [],
        "functions": [{"id": "iris", "latest": state, "versions": []}],
    }  # fmt: skip
    assert len(list(bound(kept))) == 2
    assert "subnets and security groups (VpcConfig)" in " ".join(bound(kept))
