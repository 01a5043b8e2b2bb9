"""What the account says about costs: the old side's use, the Pricing API's prices, the free plan. Looks only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from iris_migrate.engine.discovery import DAYS, functions, old_side
from iris_migrate.engine.prices import Cost, Use, before, monthly
from iris_migrate.target import Unreadable

if TYPE_CHECKING:
    from iris_migrate.connections.aws import AwsConnection
    from iris_migrate.engine.session import Session

_MONTH = 730 / 24  # days
# What the three states of the free plan mean for what is about to be made.
CREDITS = (
    "This account is on the free plan: costs are taken from its credits (${credits:.2f} left), until {until}. Then AWS"
    " closes the account unless it is upgraded; nothing is billed before."
)
PAID = "This account is on the paid plan and lists no free amounts: everything below is billed."
LEGACY = (
    "This account still has the twelve free months of accounts made before 15 July 2025: 750 h of a t3.micro and of a"
    " public address, 30 GB of volume a month. Within them the new side costs $0; after them what stands below."
)
DENIED = (
    "Whether this account has a free plan cannot be told ({why}). What stands below is billed where there is none;"
    " the billing console says which it is."
)


@dataclass(frozen=True, slots=True)
class Bill:
    """Before and after, a month. `before` is None where the old side cannot be read; `unread` says why."""

    region: str
    before: Cost | None
    after: Cost
    plan: str
    unread: str = ""


async def bill(session: Session) -> Bill:
    """Everything side by side; what may not be asked leaves the table's figure, or says that it is unknown."""
    region = session.region or session.aws.region
    instance, volume = str(session.setting("instance.type", "t3.micro")), int(session.setting("instance.volume_gb", 30))
    (use, unread), asked, plan = await asyncio.gather(
        _used(session),
        _prices(session, region, instance),
        free_plan(session),
    )
    return Bill(
        region, None if use is None else before(region, use), monthly(region, instance, volume, asked), plan, unread
    )


async def free_plan(session: Session) -> str:
    """One of four sentences: credits plan, legacy free tier, paid without either, or that it cannot be told."""
    try:
        answer, usages = await asyncio.gather(
            session.aws.read("freetier", "GetAccountPlanState"),
            session.aws.read_all("freetier", "GetFreeTierUsage", "freeTierUsages[]"),
        )
    except Unreadable as error:
        return DENIED.format(why=str(error))
    if answer.get("accountPlanType") == "FREE":
        credits = float((answer.get("accountPlanRemainingCredits") or {}).get("amount") or 0)
        until = str(answer.get("accountPlanExpirationDate") or "an unknown date")[:10]
        return CREDITS.format(credits=credits, until=until)
    return LEGACY if _twelve_months(usages) else PAID


def _twelve_months(usages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the twelve free months of EC2 are among what AWS counts."""
    return any(
        str(item.get("freeTierType")) == "12 Months Free" and "Elastic Compute" in str(item.get("service"))
        for item in usages
    )


async def saves(session: Session) -> str:
    """What is no longer paid once the old side is gone, in words; `unknown` where it cannot be told."""
    use, unread = await _used(session)
    cost = None if use is None else before(session.region or session.aws.region, use)
    if cost is None or cost.total is None:
        return f"saves an unknown amount ({unread or 'a price is not in our table'})"
    if cost.total < 0.005:
        return "saves $0 a month: an idle Lambda is not billed"
    return f"saves about ${cost.total:.2f} a month (the last {DAYS} days' use, prices of {cost.as_of})"


async def used(aws: AwsConnection, name: str, now: float) -> tuple[Use | None, str]:
    """The last days of the old side of this function, as a month; or why they cannot be told."""
    if not name:
        return None, "no Lambda function is set (lambda.function)"
    try:
        found = next((item for item in await functions(aws) if item.name == name), None)
        if found is None:
            return None, f"there is no function {name}"
        side, spent = await asyncio.gather(old_side(aws, found, now), _milliseconds(aws, name, now))
        size = await _image_bytes(aws, side.repository)
    except Unreadable as error:
        return None, str(error)
    if side.traffic is None:
        return None, side.missing.get("traffic", "its traffic cannot be read")
    api = side.api.kind if side.api else side.apis[0].kind if side.apis else ""
    share = _MONTH / DAYS
    return Use(side.traffic.total * share, spent / 1000 * found.memory / 1024 * share, size / 2**30, api), ""


async def _used(session: Session) -> tuple[Use | None, str]:
    return await used(session.aws, str(session.setting("lambda.function", "")), session.clock.now())


async def _milliseconds(aws: AwsConnection, function: str, now: float) -> float:
    """How long the function ran in the last days, in milliseconds."""
    end = datetime.fromtimestamp(now, UTC)
    answer = await aws.read(
        "cloudwatch", "GetMetricStatistics", Namespace="AWS/Lambda", MetricName="Duration", Period=86400,
        Statistics=("Sum",), StartTime=end - timedelta(days=DAYS), EndTime=end,
        Dimensions=({"Name": "FunctionName", "Value": function},),
    )  # fmt: skip
    return sum(float(point["Sum"]) for point in answer.get("Datapoints") or ())


async def _image_bytes(aws: AwsConnection, repository: str) -> float:
    if not repository:
        return 0.0
    images = await aws.read_all("ecr", "DescribeImages", "imageDetails[]", repositoryName=repository)
    return sum(float(image.get("imageSizeInBytes") or 0) for image in images)


async def _prices(session: Session, region: str, instance: str) -> dict[str, float]:
    """Today's prices where the Pricing API may be asked; what it does not say is left to the table."""
    asked = {
        "instance": ("AmazonEC2", {
            "regionCode": region, "instanceType": instance, "operatingSystem": "Linux", "tenancy": "Shared",
            "preInstalledSw": "NA", "capacitystatus": "Used",
        }, "BoxUsage"),
        "gp3": ("AmazonEC2", {"regionCode": region, "volumeApiName": "gp3"}, "VolumeUsage.gp3"),
        "ipv4": ("AmazonVPC", {"regionCode": region}, "PublicIPv4:InUseAddress"),
    }  # fmt: skip
    found = await asyncio.gather(*(_price(session, *how) for how in asked.values()))
    return {name: price for name, price in zip(asked, found, strict=True) if price is not None}


async def _price(session: Session, service: str, filters: Mapping[str, str], usage: str) -> float | None:
    """The one price of a usage type; None when it is not told, or told in two ways."""
    wanted = tuple({"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in filters.items())
    try:
        listed = await session.aws.read_all(
            "pricing", "GetProducts", "PriceList[]", ServiceCode=service, Filters=wanted, FormatVersion="aws_v1"
        )
    except Unreadable:
        return None
    prices = {price for item in listed for price in _dollars(json.loads(item), usage)}
    return prices.pop() if len(prices) == 1 else None


def _dollars(product: Mapping[str, Any], usage: str) -> list[float]:
    """The prices on demand of a product of this usage type; usage types bear a prefix of the region."""
    if usage not in str(product["product"]["attributes"].get("usagetype", "")):
        return []
    return [
        float(dimension["pricePerUnit"]["USD"])
        for term in product.get("terms", {}).get("OnDemand", {}).values()
        for dimension in term.get("priceDimensions", {}).values()
        if float(dimension["pricePerUnit"].get("USD") or 0) > 0
    ]


CALLS = frozenset(
    {"pricing:GetProducts", "freetier:GetAccountPlanState", "freetier:GetFreeTierUsage", "lambda:ListFunctions",
     "cloudwatch:GetMetricStatistics", "ecr:DescribeImages"}
)  # fmt: skip
