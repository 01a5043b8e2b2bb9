"""API Gateway: how often its control plane may be called."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from iris_migrate.rehearsal.aws.answers import Answer
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook

# Per account, not adjustable: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
# (service, operation) -> (seconds for one call, calls at once)
_SINGLE: Mapping[tuple[str, str], tuple[float, int]] = {
    ("apigateway", "DeleteRestApi"): (30.0, 1),
    ("apigateway", "CreateRestApi"): (3.0, 1),
    ("apigateway", "ImportRestApi"): (3.0, 1),
    ("apigateway", "PutRestApi"): (1.0, 1),
    ("apigateway", "CreateResource"): (0.2, 5),
    ("apigateway", "DeleteResource"): (0.2, 5),
    ("apigateway", "DeleteApiKey"): (0.2, 5),
    ("apigateway", "GetResources"): (0.4, 5),
    ("apigateway", "UpdateAccount"): (20.0, 1),
    ("apigateway", "UpdateUsagePlan"): (20.0, 1),
    ("apigatewayv2", "DeleteVpcLink"): (30.0, 1),
}
_EITHER: Mapping[str, tuple[float, int]] = {
    "CreateDeployment": (5.0, 1),
    "CreateDomainName": (30.0, 1),
    "UpdateDomainName": (30.0, 1),
    "DeleteDomainName": (30.0, 1),
}
_TOGETHER = (0.1, 40)  # everything of API Gateway: 10 a second, 40 at once
_SLACK = 0.05  # seconds by which a caller who keeps the rate exactly may arrive early


@dataclass(slots=True)
class Pace(Rule):
    """Too many calls are refused, and a refused call counts for nothing."""

    says = "10 calls a second in all (40 at once); DeleteRestApi once in 30 s, CreateDeployment once in 5 s, and others"
    source = "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"
    _full_at: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigateway:*", self.paced)
        book.ahead("apigatewayv2:*", self.paced)

    def paced(self, request: AwsRequest) -> Answer | None:
        if not self.practice.switches.pace:
            return None
        limits = {(request.account, ""): _TOGETHER}
        single = _SINGLE.get((request.service, request.operation)) or _EITHER.get(request.operation)
        if single is not None:
            limits[request.account, request.operation] = single
        now = self.practice.clock.now()
        with self._lock:
            for name, (interval, burst) in limits.items():
                full = max(self._full_at.get(name, now), now) + interval
                if full - now > interval * burst + _SLACK:
                    return self.refuse(request, "TooManyRequestsException", "Too Many Requests", 429)
            for name, (interval, _) in limits.items():
                self._full_at[name] = max(self._full_at.get(name, now), now) + interval
        return None


RULES: tuple[type[Rule], ...] = (Pace,)
