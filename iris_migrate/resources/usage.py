"""What the account uses and owes: the free tier's limits, this month's cost. Looks only."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Resource
from iris_migrate.resources.monitor import graded
from iris_migrate.target import Target


@dataclass(frozen=True, kw_only=True)
class FreeTier(Resource):
    """What AWS expects to be used of each free amount by the end of the month, in percent of its limit."""

    kind: ClassVar[str] = "usage.free_tier"
    calls: ClassVar[frozenset[str]] = frozenset({"freetier:GetFreeTierUsage"})
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    check_only: ClassVar[bool] = True
    services: tuple[str, ...] = ("EC2", "Elastic Compute", "Data Transfer", "Virtual Private Cloud")
    warn: float = 85
    fail: float = 100

    async def inspect(self, target: Target) -> Finding:
        usages = await target.aws.read_all("freetier", "GetFreeTierUsage", "freeTierUsages[]")
        ours = [item for item in usages if any(name in str(item.get("service", "")) for name in self.services)]
        if not ours:
            seen = "AWS lists none: this account has no free amounts of these services"
            return conclude([Evidence("free amounts", "what is used of them", seen, Verdict.HOLDS)])
        return conclude([self._evidence(item) for item in ours if float(item.get("limit") or 0) > 0])

    def _evidence(self, item: Mapping[str, Any]) -> Evidence:
        limit, unit = float(item["limit"]), item.get("unit", "")
        ahead = float(item.get("forecastedUsageAmount") or item.get("actualUsageAmount") or 0)
        told = graded(
            f"{item.get('usageType', '?')} expected this month", 100 * ahead / limit, " %", self.warn, self.fail
        )
        seen = f"{told.seen}: {ahead:g} of {limit:g} {unit}, so far {float(item.get('actualUsageAmount') or 0):g}"
        return Evidence(told.asked, told.expected, seen, told.verdict)


@dataclass(frozen=True, kw_only=True)
class MonthCost(Resource):
    """What this month has cost so far, in dollars. Each time it is asked costs $0.01 (Cost Explorer's price)."""

    kind: ClassVar[str] = "usage.month_cost"
    calls: ClassVar[frozenset[str]] = frozenset({"ce:GetCostAndUsage"})
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    check_only: ClassVar[bool] = True
    warn: float
    fail: float

    async def inspect(self, target: Target) -> Finding:
        today = time.gmtime(target.clock.now())
        first = time.strftime("%Y-%m-01", today)
        tomorrow = time.strftime("%Y-%m-%d", time.gmtime(target.clock.now() + 86400))
        answer = await target.aws.read(
            "ce", "GetCostAndUsage", TimePeriod={"Start": first, "End": tomorrow}, Granularity="MONTHLY",
            Metrics=("UnblendedCost",),
        )  # fmt: skip
        months = answer.get("ResultsByTime") or ()
        if not months:
            seen = "AWS has no figures yet"
            return conclude([Evidence("cost this month", f"below ${self.warn:g}", seen, Verdict.UNKNOWN)])
        dollars = sum(float(month["Total"]["UnblendedCost"]["Amount"]) for month in months)
        evidence = graded("cost this month", dollars, " USD", self.warn, self.fail)
        return conclude([Evidence(evidence.asked, evidence.expected, f"${dollars:.2f}", evidence.verdict)])
