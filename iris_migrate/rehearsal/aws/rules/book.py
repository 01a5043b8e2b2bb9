"""The book of rules: what looks at a request before moto, and at its answer after."""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from iris_migrate.rehearsal.aws.answers import Answer, failure
from iris_migrate.rehearsal.aws.faults import FaultTable
from iris_migrate.rehearsal.aws.instances import Instances
from iris_migrate.rehearsal.aws.plane.assembly import DataPlane
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.clock import PracticeClock

Before = Callable[[AwsRequest], "Answer | AwsRequest | None"]
After = Callable[[AwsRequest, Answer], Answer]


@dataclass(slots=True)
class Switches:
    """What is off while the old side is made, as by people over months, and on from then on."""

    pace: bool = False


@dataclass(frozen=True, slots=True)
class Practice:
    """What rules may ask: moto's state, the clock, the faults, the instances, the data plane."""

    account: str
    region: str
    clock: PracticeClock
    faults: FaultTable
    instances: Instances
    plane: DataPlane
    switches: Switches = field(default_factory=Switches)

    def backend(self, service: str, region: str = "", account: str = "") -> Any:
        """moto's own state of a service."""
        return moto_state(service, account or self.account, region or self.region)

    def state(self, request: AwsRequest, service: str = "") -> Any:
        """moto's own state of a service where a request belongs: its account and region."""
        return self.backend(service or request.service, request.region, request.account)


def moto_state(service: str, account: str, region: str) -> Any:
    """The backend of a service; `region` is "aws" for a global one. Imports the service's part of moto."""
    if service == "lambda":  # the one without docker, see `cloud.make_cloud`; moto's own lookup does not know it
        simple: Any = importlib.import_module("moto.awslambda_simple.models")
        return simple.lambda_simple_backends[account][region]
    backends: Any = importlib.import_module("moto.backends")
    return backends.get_backend(service)[account][region]


@dataclass(slots=True)
class RuleBook:
    """Rules by action, or for all of a service (`service:*`). A `before` rule answers, gives back a changed request, or
    lets it pass (None)."""

    before: dict[str, list[Before]] = field(default_factory=lambda: defaultdict(list))
    after: dict[str, list[After]] = field(default_factory=lambda: defaultdict(list))
    rules: list[Rule] = field(default_factory=list)

    def first(self, request: AwsRequest) -> list[Before]:
        """What looks at a request before moto, in order."""
        return [*self.before.get(f"{request.service}:*", ()), *self.before.get(request.action, ())]

    def ahead(self, action: str, rule: Before) -> None:
        self.before[action].append(rule)

    def behind(self, action: str, rule: After) -> None:
        self.after[action].append(rule)

    def take(self, rule: Rule) -> None:
        """Enter a rule that names its source."""
        self.rules.append(rule)
        rule.enter(self)

    def shown(self, _: Mapping[str, Any] | None = None) -> list[dict[str, str]]:
        """Every named rule, and whether it was seen on real AWS."""
        return [
            {
                "rule": type(rule).__name__,
                "says": rule.says,
                "source": rule.source,
                "seen": rule.verified or "assumed",
            }
            for rule in self.rules
        ]


@dataclass(slots=True)
class Rule:
    """One thing that AWS does and moto does not. `verified` says when and how it was seen on real AWS; until then
    the rule is assumed, on the word of its source."""

    practice: Practice
    says: ClassVar[str] = ""
    source: ClassVar[str] = ""
    verified: ClassVar[str] = ""

    def enter(self, book: RuleBook) -> None:
        raise NotImplementedError

    def refuse(self, request: AwsRequest, code: str, message: str, status: int = 400) -> Answer:
        return failure(request, code, message, status)
