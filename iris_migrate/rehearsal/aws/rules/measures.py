"""CloudWatch: what calls of the data plane left behind can be read late."""

from __future__ import annotations

from dataclasses import dataclass

from iris_migrate.rehearsal.aws.plane.traffic import LATE
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook

_READS = ("GetMetricStatistics", "GetMetricData", "ListMetrics")


@dataclass(slots=True)
class LateMetrics(Rule):
    """Points appear some minutes after the call that they count."""

    says = f"metrics of API Gateway and Lambda can be read {LATE:g} s after the call, not before"
    source = "https://docs.aws.amazon.com/apigateway/latest/developerguide/monitoring-cloudwatch.html (no figure there)"

    def enter(self, book: RuleBook) -> None:
        for operation in _READS:
            book.ahead(f"cloudwatch:{operation}", self.publish)

    def publish(self, request: AwsRequest) -> None:
        self.practice.plane.traffic.publish()


RULES: tuple[type[Rule], ...] = (LateMetrics,)
