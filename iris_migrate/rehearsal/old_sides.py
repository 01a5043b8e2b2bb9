"""Which old side a world is seeded with: named features joined by `+`. Imports nothing: the command line lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FEATURES: Mapping[str, str] = {
    "http": "an HTTP API in front (the default)",
    "rest": "a REST API in front, with a stage prod, a usage plan and a client's key",
    "image": "the function is a container image (the default)",
    "zip": "the function is a zip archive",
    "shared-authorizer": "a second API, of somebody else, uses the authorizer's function too",
    "cloudformation": "the function belongs to a CloudFormation stack, as its tags say",
    "many-images": "10,000 images in the repository, 500 of them indexes",
    "function-url": "the function has a URL of its own",
    "custom-domain": "a custom domain is mapped to the API",
    "access-log": "the stage writes an access log",
    "empty": "no old side at all",
}
_EITHER = (("http", "rest"), ("image", "zip"))
CUSTOM_DOMAIN = "api.practice.example.com"


class PlanError(ValueError):
    """No old side can be had like that; the message says what there is."""


@dataclass(frozen=True, slots=True)
class OldSidePlan:
    """What the seed makes."""

    features: frozenset[str] = frozenset()

    def has(self, feature: str) -> bool:
        return feature in self.features

    @classmethod
    def read(cls, text: str) -> OldSidePlan:
        """From `rest+zip`; empty is the default. Raises PlanError."""
        features = frozenset(item.strip() for item in text.split("+") if item.strip())
        if unknown := sorted(features - set(FEATURES)):
            raise PlanError(f"No old side is called {', '.join(unknown)}. There are: {', '.join(FEATURES)}.")
        for one, other in _EITHER:
            if {one, other} <= features:
                raise PlanError(f"An old side is {one} or {other}, not both.")
        if "empty" in features and len(features) > 1:
            raise PlanError("An empty old side has nothing else.")
        return cls(features)
