"""`cost` on a practice world: AWS's prices, and the table's where they may not be asked."""

from __future__ import annotations

import pytest

from tests.practice.finished import Finished
from tests.practice.run import command
from tests.practice.test_looking_again import faulty

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.xdist_group("journey")]


def test_both_sides_are_itemised(finished: Finished) -> None:
    found = command(finished.world, "cost", "--format", "json").document
    assert found["after"]["total"] == pytest.approx(730 * 0.0104 + 30 * 0.08 + 730 * 0.005)
    assert found["after"]["prices"] == "today, as AWS lists them"
    assert [item["what"] for item in found["before"]["items"]] == ["Lambda calls", "Lambda time", "HTTP API", "images"]
    assert found["before"]["total"] < 0.1 and "paid plan" in found["plan"]


def test_without_the_pricing_api_the_dated_table_stands_in(finished: Finished) -> None:
    with faulty(finished.world, "no-permission", "pricing:GetProducts"):
        found = command(finished.world, "cost")
    assert "$13.64 (prices of 20" in found.out
