"""Keeps calls below the control-plane rates of AWS, so that nobody runs into 429 and waits longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from iris_migrate.target import Clock

# Per account and not adjustable: API Gateway quotas, "Amazon API Gateway quotas for creating, deploying and managing
# an API". (service, operation) -> seconds between two calls.
_GATEWAYS = ("apigateway", "apigatewayv2")
_EVERY: Mapping[tuple[str, str], float] = {
    ("apigateway", "DeleteRestApi"): 30.0,
    ("apigateway", "CreateRestApi"): 3.0,
    ("apigateway", "ImportRestApi"): 3.0,
    ("apigateway", "PutRestApi"): 1.0,
    ("apigateway", "CreateResource"): 0.2,
    ("apigateway", "DeleteResource"): 0.2,
    ("apigateway", "DeleteApiKey"): 0.2,
    ("apigateway", "GetResources"): 0.4,
    ("apigateway", "UpdateAccount"): 20.0,
    ("apigateway", "UpdateUsagePlan"): 20.0,
    ("apigatewayv2", "DeleteVpcLink"): 30.0,
    **{(service, "CreateDeployment"): 5.0 for service in _GATEWAYS},
    **{
        (service, f"{verb}DomainName"): 30.0
        for service in _GATEWAYS
        for verb in ("Create", "Update", "Delete")
    },
}  # fmt: skip
_UNNOTICED = 0.25  # seconds of waiting that nobody needs to be told about


@dataclass(slots=True)
class Bucket:
    """So many calls at once (`burst`), then one every `interval` seconds."""

    interval: float
    burst: int = 1
    _full_at: float = 0.0  # when the bucket will be full again

    def reserve(self, now: float) -> float:
        """Take one call; the seconds after which it may be sent."""
        self._full_at = max(self._full_at, now) + self.interval
        return max(0.0, self._full_at - now - self.burst * self.interval)


class Limiter:
    """Turns are given in order. It knows the calls of this program only: others of the account may still throttle."""

    def __init__(self, clock: Clock, waits: Callable[[str, float], None]) -> None:
        self._clock, self._waits = clock, waits
        self._single = {call: Bucket(seconds) for call, seconds in _EVERY.items()}
        gateway = Bucket(0.1, 40)  # everything of API Gateway together: 10 a second, burst 40
        self._together = {"apigateway": gateway, "apigatewayv2": gateway, "lambda": Bucket(1 / 15, 15)}

    async def turn(self, service: str, operation: str) -> None:
        """Come back when the call may be sent; a wait that one would notice is told first."""
        now = self._clock.now()
        buckets = (self._single.get((service, operation)), self._together.get(service))
        seconds = max((bucket.reserve(now) for bucket in buckets if bucket), default=0.0)
        if seconds <= 0:
            return
        if seconds > _UNNOTICED:
            self._waits(f"{service}:{operation}", seconds)
        await self._clock.sleep(seconds)

    @staticmethod
    def interval(service: str, operation: str) -> float:
        """Seconds that AWS wants between two calls of this kind; 0 when there is no such rule."""
        return _EVERY.get((service, operation), 0.0)
