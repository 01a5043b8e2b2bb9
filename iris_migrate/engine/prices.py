"""What each side costs a month, item by item, from a dated table; what the table does not know is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iris_migrate.language.data import checklists_folder

MILLION = 1_000_000
IDLE = "without calls Lambda and its API cost $0: nothing is billed while nobody asks"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that costs. `dollars` a month, None when the table does not know."""

    what: str
    how: str
    dollars: float | None


@dataclass(frozen=True, slots=True)
class Cost:
    items: tuple[Item, ...]
    as_of: str  # of when the prices are

    @property
    def total(self) -> float | None:
        """None as soon as one item is unknown: a total of the known ones would be a lie."""
        known = [item.dollars for item in self.items if item.dollars is not None]
        return sum(known) if len(known) == len(self.items) else None


@dataclass(frozen=True, slots=True)
class Use:
    """What the old side was used for, as a month: calls, GB seconds of Lambda, GB of images."""

    calls: float
    gb_seconds: float
    image_gb: float
    api: str = "HTTP"  # HTTP | REST | "": no API


def table() -> Mapping[str, Any]:
    """The shipped table."""
    import yaml

    found: dict[str, Any] = yaml.safe_load((checklists_folder() / "prices.yaml").read_text())
    return found


def monthly(region: str, instance: str, volume_gb: int, asked: Mapping[str, float] | None = None) -> Cost:
    """An instance, its volume and its public address, running all month.

    `asked` are prices of the Pricing API that stand in for the table's: `instance`, `gp3`, `ipv4`.
    """
    known, asked = table(), asked or {}
    hours = float(known["hours_a_month"])
    here = known["regions"].get(region, {})
    hourly = asked.get("instance", (here.get("instances") or {}).get(instance))
    gb, address = asked.get("gp3", here.get("gp3_gb_month")), asked.get("ipv4", here.get("public_ipv4_hour"))
    unknown = f"no price for {region} in our table"
    out = here.get("data_out_gb")
    free = f"the first {known['data_out_free_gb']} GB a month are free"
    items = (
        Item(
            f"instance {instance}",
            f"{hours:g} h × ${hourly:g}" if hourly else f"no price for {instance}: {unknown}",
            _times(hourly, hours),
        ),
        Item(f"volume {volume_gb} GB gp3", f"{volume_gb} GB × ${gb:g}" if gb else unknown, _times(gb, volume_gb)),
        Item("public IPv4 address", f"{hours:g} h × ${address:g}" if address else unknown, _times(address, hours)),
        Item("data to the internet", f"{free}, then ${out:g} a GB" if out else free, 0.0),
    )
    all_asked = {"instance", "gp3", "ipv4"} <= asked.keys()
    return Cost(items, "today, as AWS lists them" if all_asked else str(known["as_of"]))


def before(region: str, use: Use) -> Cost:
    """The Lambda side for a month of this use: the free amounts of every account are taken off."""
    known = table()
    here = known["regions"].get(region, {})
    calls, seconds = here.get("lambda_million_calls"), here.get("lambda_gb_second")
    paid_calls = max(0.0, use.calls - known["lambda_free_calls"])
    paid_seconds = max(0.0, use.gb_seconds - known["lambda_free_gb_seconds"])
    items = [
        Item("Lambda calls", f"{use.calls:,.0f} a month, {paid_calls:,.0f} beyond the free ones",
             _times(calls, paid_calls / MILLION)),
        Item("Lambda time", f"{use.gb_seconds:,.0f} GB seconds a month, {paid_seconds:,.0f} beyond the free ones",
             _times(seconds, paid_seconds)),
    ]  # fmt: skip
    if use.api:
        price = here.get(f"{use.api.lower()}_api_million_calls")
        how = f"{use.calls:,.0f} calls × ${price:g} a million" if price else f"no price for {region} in our table"
        items.append(Item(f"{use.api} API", how, _times(price, use.calls / MILLION)))
    price = here.get("ecr_gb_month")
    how = f"{use.image_gb:.2f} GB × ${price:g}" if price else f"no price for {region} in our table"
    items.append(Item("images", how, _times(price, use.image_gb)))
    return Cost(tuple(items), str(known["as_of"]))


def _times(price: float | None, count: float) -> float | None:
    return None if price is None else price * count
