"""What an account says about its free plan, and how prices and use become a bill."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from iris_migrate.engine.bill import bill, free_plan
from iris_migrate.engine.clock import SystemClock
from iris_migrate.engine.prices import Use, before, monthly
from iris_migrate.reports.cost import before_line, cost_document, cost_lines
from iris_migrate.target import AwsError

LEGACY = [{"service": "Amazon Elastic Compute Cloud", "freeTierType": "12 Months Free"}]


class Account:
    """Answers as one kind of account does; what is not stated is denied."""

    region, account = "us-east-1", "123456789012"

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    async def read(self, service: str, operation: str, **params: Any) -> Mapping[str, Any]:
        if operation not in self._answers:
            raise AwsError("AccessDeniedException", "not authorized", f"{service}:{operation}")
        found: Mapping[str, Any] = self._answers[operation]
        return found

    async def read_all(self, service: str, operation: str, key: str, **params: Any) -> Sequence[Any]:
        if operation not in self._answers:
            raise AwsError("AccessDeniedException", "not authorized", f"{service}:{operation}")
        found = self._answers[operation]
        return found(params) if callable(found) else found  # type: ignore[no-any-return]


def session(account: Account, **settings: Any) -> Any:
    known = {"lambda.function": "iris", "instance.type": "t3.micro", "instance.volume_gb": 30, **settings}
    return SimpleNamespace(
        aws=account, region="us-east-1", clock=SystemClock(), setting=lambda n, d=None: known.get(n, d)
    )


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (
            Account(
                GetAccountPlanState={
                    "accountPlanType": "FREE", "accountPlanRemainingCredits": {"amount": 87.5},
                    "accountPlanExpirationDate": "2026-12-24T00:00:00Z",
                },
                GetFreeTierUsage=[],
            ),
            ("credits ($87.50 left), until 2026-12-24", "closes the account"),
        ),
        (Account(GetAccountPlanState={"accountPlanType": "PAID"}, GetFreeTierUsage=LEGACY), ("twelve free months",)),
        (Account(GetAccountPlanState={"accountPlanType": "PAID"}, GetFreeTierUsage=[]), ("below is billed",)),
        (Account(), ("cannot be told", "AccessDeniedException", "billing console")),
    ],
    ids=["credits", "legacy", "paid", "denied"],
)  # fmt: skip
async def test_each_plan_has_a_text_of_its_own(account: Account, words: Sequence[str]) -> None:
    said = await free_plan(session(account))
    assert all(word in said for word in words), said


async def test_what_may_not_be_asked_is_unknown_and_the_table_stands_in() -> None:
    found = await bill(session(Account()))
    assert found.before is None and "AccessDenied" in found.unread
    assert found.after.as_of[:4].isdigit(), "the dated table"
    lines = "\n".join(cost_lines(found))
    assert "Before, on Lambda: unknown (" in lines and "cost $0: nothing is billed while nobody asks" in lines
    assert cost_document(found)["before"] is None


async def test_the_pricing_api_outranks_the_table() -> None:
    def products(params: Mapping[str, Any]) -> list[str]:
        prices = {"BoxUsage:t3.micro": "0.02", "EBS:VolumeUsage.gp3": "0.1", "USE1-PublicIPv4:InUseAddress": "0.01"}
        return [
            json.dumps({
                "product": {"attributes": {"usagetype": usage}},
                "terms": {"OnDemand": {"a": {"priceDimensions": {"b": {"pricePerUnit": {"USD": price}}}}}},
            })
            for usage, price in prices.items()
        ]  # fmt: skip

    found = await bill(session(Account(GetProducts=products)))
    assert found.after.total == pytest.approx(730 * 0.02 + 30 * 0.1 + 730 * 0.01)
    assert found.after.as_of == "today, as AWS lists them"


def test_the_free_amounts_of_every_account_are_taken_off() -> None:
    idle = before("us-east-1", Use(0, 0, 0))
    assert idle.total == 0
    busy = before("us-east-1", Use(3_000_000, 1_000_000, 2.0, "REST"))
    assert busy.total == pytest.approx(2 * 0.20 + 600_000 * 0.0000166667 + 3 * 3.50 + 0.20)


def test_the_settings_say_the_side_before_in_a_line() -> None:
    assert before_line("us-east-1", None, "denied") == "Before, on Lambda: unknown (denied)"
    line = before_line("us-east-1", Use(3_000_000, 0, 0, "HTTP"), "")
    assert "$3.40 a month for 3,000,000 calls, $0 while nobody asks" in line
    assert "unknown; our table has no prices" in before_line("us-east-2", Use(1, 1, 1), "")


@pytest.mark.parametrize(("region", "instance"), [("us-east-2", "t3.micro"), ("us-east-1", "t3.small")])
def test_a_price_without_a_source_is_unknown(region: str, instance: str) -> None:
    cost = monthly(region, instance, 30)
    assert cost.total is None and cost.items[0].dollars is None


def test_a_region_that_the_table_lacks_is_unknown() -> None:
    assert monthly("xx-north-9", "t3.micro", 30).total is None
    assert before("xx-north-9", Use(1, 1, 1)).total is None
