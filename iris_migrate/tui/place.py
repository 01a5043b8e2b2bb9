"""Where we are, as the header tells it: account, region, host, and how serious it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """`pin` is the state of the host's key: "" (no host yet), "pinned", "not pinned"."""

    account: str = ""
    alias: str = ""
    region: str = ""
    host: str = ""
    pin: str = ""
    rehearsal: bool = False
    destroying: bool = False  # something that destroys is open

    @property
    def mood(self) -> str:
        """rehearsal | production | away (no account yet), and `destroying` above all."""
        if self.destroying:
            return "destroying"
        return "rehearsal" if self.rehearsal else "production" if self.account else "away"

    @property
    def badge(self) -> str:
        """The word that says it without colour."""
        return {"destroying": "DESTROYS", "rehearsal": "REHEARSAL", "production": "REAL ACCOUNT", "away": ""}[self.mood]

    def parts(self) -> list[str]:
        """Account, region, host: the most important last to go when there is little room."""
        account = f"{self.account} ({self.alias})" if self.account and self.alias else self.account
        host = f"{self.host} {self.pin}".strip()
        return [part for part in (account, self.region, host) if part]


def line(place: Place, title: str, elapsed: str, width: int) -> tuple[str, str, str]:
    """Left, middle and right of the header in `width` cells: what does not fit is left out, whole part by part."""
    left, right = (f" {place.badge} " if place.badge else " "), f" {elapsed} "
    host = f"{place.host} {place.pin}".strip()
    full = place.parts()
    for kept in (full, [place.account, place.region, host], [place.account, host], [host or place.account], []):
        known = " · ".join(part for part in kept if part)
        for name in (f"iris-migrate · {title}" if title else "iris-migrate", title or "iris-migrate"):
            middle = f" {name}" + (f"  {known}" if known else "")
            if len(left) + len(middle) + len(right) <= width:
                return left, middle, right
    return left, f" {title or 'iris-migrate'}"[: max(0, width - len(left))], ""


def clock(seconds: float) -> str:
    """Elapsed time as 00:12:41."""
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
