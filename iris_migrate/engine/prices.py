"""What the new side costs a month, item by item, from a dated table; what the table does not know is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from iris_migrate.language.data import checklists_folder


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that costs. `dollars` a month, None when the table does not know."""

    what: str
    how: str
    dollars: float | None


@dataclass(frozen=True, slots=True)
class Cost:
    items: tuple[Item, ...]
    as_of: str

    @property
    def total(self) -> float | None:
        """None as soon as one item is unknown: a total of the known ones would be a lie."""
        known = [item.dollars for item in self.items if item.dollars is not None]
        return sum(known) if len(known) == len(self.items) else None


def monthly(region: str, instance: str, volume_gb: int) -> Cost:
    """An instance, its volume and its public address, running all month."""
    import yaml

    table: dict[str, Any] = yaml.safe_load((checklists_folder() / "prices.yaml").read_text())
    hours = float(table["hours_a_month"])
    here = table["regions"].get(region, {})
    hourly = (here.get("instances") or {}).get(instance)
    gb, address = here.get("gp3_gb_month"), here.get("public_ipv4_hour")
    unknown = f"no price for {region} in our table"
    return Cost(
        (
            Item(f"instance {instance}", f"{hours:g} h × ${hourly}" if hourly else unknown, _times(hourly, hours)),
            Item(f"volume {volume_gb} GB gp3", f"{volume_gb} GB × ${gb}" if gb else unknown, _times(gb, volume_gb)),
            Item("public IPv4 address", f"{hours:g} h × ${address}" if address else unknown, _times(address, hours)),
        ),
        str(table["as_of"]),
    )


def _times(price: float | None, count: float) -> float | None:
    return None if price is None else price * count
