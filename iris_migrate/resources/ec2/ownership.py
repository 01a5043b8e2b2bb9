"""The tags by which what we made in AWS is found again, and told from what others made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iris_migrate.values import StepKey

APP = "iris-migrate"  # the policies in facts of section 6 allow deletion only where `app` says so


def tags(key: StepKey, name: str) -> list[dict[str, str]]:
    """What every thing made for this step is tagged with."""
    marks = {
        "Name": name,
        "app": APP,
        f"{APP}:migration": key.migration,
        f"{APP}:step": key.step,
        f"{APP}:token": key.token,
    }
    return [{"Key": mark, "Value": value} for mark, value in marks.items()]


def tagged(key: StepKey, name: str, *kinds: str) -> list[dict[str, Any]]:
    """`TagSpecifications` of a creating call: AWS sets these tags in the same moment as it creates."""
    return [{"ResourceType": kind, "Tags": tags(key, name)} for kind in kinds]


def of_step(key: StepKey) -> list[dict[str, Any]]:
    """Filters that find what was made for this step, of whatever generation."""
    return [
        {"Name": f"tag:{APP}:migration", "Values": [key.migration]},
        {"Name": f"tag:{APP}:step", "Values": [key.step]},
    ]


def of_token(key: StepKey) -> list[dict[str, Any]]:
    """Filters that find what an interrupted call of exactly this generation made."""
    return [{"Name": f"tag:{APP}:token", "Values": [key.token]}]


def tag_values(thing: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a thing that AWS describes, as a mapping."""
    return {str(tag["Key"]): str(tag.get("Value", "")) for tag in thing.get("Tags") or ()}
