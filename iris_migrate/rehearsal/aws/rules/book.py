"""The book of rules: what looks at a request before moto, and at its answer after."""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer
from iris_migrate.rehearsal.aws.faults import FaultTable
from iris_migrate.rehearsal.aws.instances import Instances
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.clock import PracticeClock

Before = Callable[[AwsRequest], "Answer | AwsRequest | None"]
After = Callable[[AwsRequest, Answer], Answer]


@dataclass(frozen=True, slots=True)
class Practice:
    """What rules may ask: moto's state, the clock, the faults, the instances."""

    account: str
    region: str
    clock: PracticeClock
    faults: FaultTable
    instances: Instances

    def backend(self, service: str, region: str = "") -> Any:
        """moto's own state of a service."""
        return moto_state(service, self.account, region or self.region)


def moto_state(service: str, account: str, region: str) -> Any:
    """The backend of a service; `region` is "aws" for a global one. Imports the service's part of moto."""
    backends: Any = importlib.import_module("moto.backends")
    return backends.get_backend(service)[account][region]


@dataclass(slots=True)
class RuleBook:
    """Rules by action. A `before` rule answers, gives back a changed request, or lets it pass (None)."""

    before: dict[str, list[Before]] = field(default_factory=lambda: defaultdict(list))
    after: dict[str, list[After]] = field(default_factory=lambda: defaultdict(list))

    def ahead(self, action: str, rule: Before) -> None:
        self.before[action].append(rule)

    def behind(self, action: str, rule: After) -> None:
        self.after[action].append(rule)
