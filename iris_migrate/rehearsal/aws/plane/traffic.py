"""What calls leave behind: CloudWatch metrics, late as on AWS, access logs of stages and logs of functions."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from iris_migrate.rehearsal.clock import PracticeClock

if TYPE_CHECKING:
    from iris_migrate.rehearsal.aws.plane.functions import FunctionName

LATE = 180.0  # seconds on the world's clock until a metric can be read; assumed, AWS names no figure
_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.]+)")


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one metric; `at` is seconds since the epoch."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    at: float
    value: float
    unit: str = "Count"


@dataclass(slots=True)
class Traffic:
    """Points wait here until they are old enough to be seen, then go to moto's CloudWatch, whoever asks."""

    clock: PracticeClock
    state: Callable[[str, str, str], Any]
    _waiting: list[Point] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # --- what happened ---------------------------------------------------------------------------------------------

    def invoked(self, named: FunctionName, seconds: float, *, failed: bool) -> None:
        self._function(named, Invocations=1.0, Errors=float(failed), Duration=seconds * 1000)

    def throttled(self, named: FunctionName) -> None:
        """Throttled calls are no invocations: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"""
        self._function(named, Throttles=1.0)

    def called(
        self, account: str, region: str, dimensions: Mapping[str, str], stage: str, status: int, errors: tuple[str, str]
    ) -> None:
        """One call of an API; `errors` are the names of its 4xx and 5xx metrics."""
        values = {"Count": 1.0, errors[0]: float(400 <= status < 500), errors[1]: float(status >= 500)}
        for dims in (dict(dimensions), {**dimensions, "Stage": stage}):
            self._add(account, region, "AWS/ApiGateway", dims, values)

    def _function(self, named: FunctionName, **values: float) -> None:
        self._add(named.account, named.region, "AWS/Lambda", {"FunctionName": named.name}, values)
        if named.qualifier:
            resource = {"FunctionName": named.name, "Resource": f"{named.name}:{named.qualifier}"}
            self._add(named.account, named.region, "AWS/Lambda", resource, values)

    def _add(
        self, account: str, region: str, namespace: str, dimensions: Mapping[str, str], values: Mapping[str, float]
    ) -> None:
        at = self.clock.now()
        dims = tuple(sorted(dimensions.items()))
        with self._lock:
            for name, value in values.items():
                unit = "Milliseconds" if name == "Duration" else "Count"
                self._waiting.append(Point(account, region, namespace, name, dims, at, value, unit))

    # --- what can be read ------------------------------------------------------------------------------------------

    def publish(self) -> int:
        """Let CloudWatch have what is old enough; how many points still wait."""
        with self._lock:
            due = [point for point in self._waiting if point.at + LATE <= self.clock.now()]
            self._waiting = [point for point in self._waiting if point.at + LATE > self.clock.now()]
            waiting = len(self._waiting)
        for point in due:
            self.state("cloudwatch", point.region, point.account).metric_data.append(_datum(point))
        return waiting

    # --- logs ------------------------------------------------------------------------------------------------------

    def function_log(self, named: FunctionName, lines: list[str]) -> None:
        """The group is made by the first call of a function whose role may, as on AWS."""
        self._log(named.account, named.region, f"/aws/lambda/{named.name}", "practice-calls", lines, make=True)

    def access_log(
        self, account: str, region: str, settings: Mapping[str, Any] | None, context: Mapping[str, Any]
    ) -> None:
        """One line of a stage that has an access log; nothing when its group is gone."""
        told = {name[:1].lower() + name[1:]: value for name, value in (settings or {}).items()}
        group = str(told.get("destinationArn", "")).partition(":log-group:")[2].removesuffix(":*")
        if group and told.get("format"):
            line = _VARIABLE.sub(lambda found: str(context.get(found.group(1), "-")), str(told["format"]))
            self._log(account, region, group, "practice-calls", [line], make=False)

    def _log(self, account: str, region: str, group: str, stream: str, lines: list[str], *, make: bool) -> None:
        logs = self.state("logs", region, account)
        with self._lock:
            if group not in logs.groups:
                if not make:
                    return
                logs.create_log_group(group, {})
            if stream not in logs.groups[group].streams:
                logs.create_log_stream(group, stream)
            at = int(self.clock.now() * 1000)
            events = [{"timestamp": at, "message": line} for line in lines]
            logs.groups[group].put_log_events(stream, events)  # the backend refuses times ahead of the machine's


def _datum(point: Point) -> Any:
    """A datum of moto's that is found by all of its dimensions only; moto's own is found by any part of them."""
    from moto.cloudwatch.models import MetricDatum

    class ExactDatum(MetricDatum):
        def filter(self, namespace: Any, name: Any, dimensions: Any, already_present_metrics: Any = None) -> bool:
            listing = namespace is not None or name is not None
            if dimensions and not listing and len(dimensions) != len(self.dimensions):
                return False
            return super().filter(namespace, name, dimensions, already_present_metrics)

    dimensions = [{"Name": name, "Value": value} for name, value in point.dimensions]
    at = datetime.fromtimestamp(point.at // 60 * 60, UTC).replace(tzinfo=None)
    return ExactDatum(point.namespace, point.name, point.value, dimensions, at, point.unit)
