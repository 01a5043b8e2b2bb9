"""The kinds of old side that a world can be seeded with."""

from __future__ import annotations

from pathlib import Path

import pytest

from iris_migrate.rehearsal.launch import LaunchError, start_world
from iris_migrate.rehearsal.old_sides import FEATURES, OldSidePlan, PlanError
from tests.rehearsal.conftest import Clients, Control


def test_kinds_are_joined_by_plus() -> None:
    plan = OldSidePlan.read("rest+zip")
    assert plan.has("rest")
    assert plan.has("zip")
    assert not plan.has("empty")
    assert OldSidePlan.read("").features == frozenset()


@pytest.mark.parametrize(
    ("text", "says"),
    [("rain", "rain"), ("rest+http", "not both"), ("zip+image", "not both"), ("empty+rest", "nothing else")],
)
def test_what_cannot_be_is_refused_with_what_there_is(text: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        OldSidePlan.read(text)


def test_an_unknown_kind_is_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="There are: " + ", ".join(list(FEATURES)[:2])):
        start_world(state=tmp_path, old_side="rain", timeout=240)


@pytest.mark.long
def test_ten_thousand_images_go_in_a_hundred_calls_when_indexes_go_first() -> None:
    with start_world(old_side="many-images", timeout=240) as world:
        ecr = Clients(world).ecr
        pages = ecr.get_paginator("describe_images").paginate(
            repositoryName="iris-backend", PaginationConfig={"PageSize": 1000}
        )
        details = [item for page in pages for item in page["imageDetails"]]
        indexes = [item for item in details if "index" in item["imageManifestMediaType"]]
        assert (len(details), len(indexes)) == (10_000, 500)
        others = [item for item in details if item not in indexes]
        first = [{"imageDigest": item["imageDigest"]} for item in others[:100]]
        held = ecr.batch_delete_image(repositoryName="iris-backend", imageIds=first)["failures"]
        assert {item["failureCode"] for item in held} == {"ImageReferencedByManifestList"}
        calls = 0
        for items in (indexes, others):
            for at in range(0, len(items), 100):
                ids = [{"imageDigest": item["imageDigest"]} for item in items[at : at + 100]]
                failures = ecr.batch_delete_image(repositoryName="iris-backend", imageIds=ids)["failures"]
                assert {item["failureCode"] for item in failures} <= {"ImageNotFound"}
                calls += 1
        assert calls == 100
        assert ecr.list_images(repositoryName="iris-backend")["imageIds"] == []


@pytest.mark.long
def test_an_empty_world_has_no_old_side() -> None:
    with start_world(old_side="empty", timeout=240) as world:
        assert set(Control(world).get("old-side").values()) == {""}
        assert Clients(world).lambda_.list_functions()["Functions"] == []
