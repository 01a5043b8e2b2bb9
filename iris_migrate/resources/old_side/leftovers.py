"""What of the old side stays when all is gone that was listed, with the command that would remove it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Resource
from iris_migrate.resources.removal import Things
from iris_migrate.target import Target
from iris_migrate.values import Unresolved


@dataclass(frozen=True, kw_only=True)
class Leftovers(Resource):
    """Nothing of the old side is left. What is, is named as a warning: it is kept on purpose until somebody decides."""

    kind: ClassVar[str] = "old_side.leftovers"
    calls: ClassVar[frozenset[str]] = frozenset({"cloudwatch:DescribeAlarms"})
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    check_only: ClassVar[bool] = True
    apis: Things
    functions: Things
    guards: Things
    repositories: Things

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.apis, Unresolved) and not isinstance(self.repositories, Unresolved)
        functions = self._functions()
        alarms = await target.aws.read_all("cloudwatch", "DescribeAlarms", "MetricAlarms[]")
        names = {str(item["id"]) for item in (*self.apis, *functions)} | {str(item["name"]) for item in self.apis}
        left = [
            *((f"API {item['id']}", f"{_removes(item)}  (its URL is then lost)") for item in self.apis),
            *((f"usage plan {name}", f"aws apigateway delete-usage-plan --usage-plan-id {name}  (its keys stay)")
              for name in sorted({str(plan["plan"]) for item in self.apis for plan in item.get("plans", ())})),
            *((f"repository {item['id']}", f"aws ecr delete-repository --repository-name {item['id']}")
              for item in self.repositories),
            *((f"log group {name}", f"aws logs delete-log-group --log-group-name {name}")
              for name in sorted({str(item["log_group"]) for item in functions})),
            *((f"role {name}", f"aws iam delete-role --role-name {name}")
              for name in sorted({str(item["role"]).rpartition("/")[2] for item in functions})),
            *((f"alarm {item['AlarmName']}", f"aws cloudwatch delete-alarms --alarm-names {item['AlarmName']}")
              for item in alarms if names & set(_dimensions(item))),
        ]  # fmt: skip
        evidence = [Evidence(what, "gone, or kept on purpose", command, Verdict.WARNS) for what, command in left]
        reason = f"{len(left)} things stay: {', '.join(what for what, _ in left)}" if left else ""
        return conclude(evidence or [Evidence("leftovers", "none", "none", Verdict.HOLDS)], reason=reason)

    def _functions(self) -> list[Mapping[str, Any]]:
        assert not isinstance(self.functions, Unresolved) and not isinstance(self.guards, Unresolved)
        return [*self.functions, *self.guards]


def _removes(api: Mapping[str, Any]) -> str:
    if api.get("kind") == "REST":
        return f"aws apigateway delete-rest-api --rest-api-id {api['id']}"
    return f"aws apigatewayv2 delete-api --api-id {api['id']}"


def _dimensions(alarm: Mapping[str, Any]) -> Iterable[str]:
    """What an alarm's metrics are about."""
    for item in alarm.get("Dimensions") or ():
        yield str(item["Value"])
    for metric in alarm.get("Metrics") or ():
        for item in (metric.get("MetricStat") or {}).get("Metric", {}).get("Dimensions") or ():
            yield str(item["Value"])
