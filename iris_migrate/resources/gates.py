"""What has to be so before the old side may go: the new side holds, nobody calls the old one, it was off."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Resource
from iris_migrate.resources.outside import HOUR
from iris_migrate.resources.removal import Things
from iris_migrate.target import Target
from iris_migrate.values import Unresolved

DAY = 86400.0
LAG = 300.0  # seconds until a metric is surely there; CloudWatch names no figure, 180 s were seen
_CALLS = "calls of API "
_HISTORY = 14  # days that are looked at by the hour


@dataclass(frozen=True, kw_only=True)
class ChecklistHolds(Resource):
    """Every step of another checklist holds, looked at now."""

    kind: ClassVar[str] = "gates.checklist_holds"
    check_only: ClassVar[bool] = True
    checklist: str

    async def inspect(self, target: Target) -> Finding:
        holds, says = await target.checklist_holds(self.checklist)
        verdict = Verdict.HOLDS if holds else Verdict.DIFFERS
        return conclude([Evidence(self.checklist, "every step holds", says, verdict)], reason="" if holds else says)


@dataclass(frozen=True, kw_only=True)
class Permitted(Resource):
    """This identity may do everything that the checklist needs. What AWS does not tell is a warning, never a yes."""

    kind: ClassVar[str] = "gates.permitted"
    check_only: ClassVar[bool] = True

    async def inspect(self, target: Target) -> Finding:
        denied, open_ = await target.permitted()
        evidence = [Evidence(f"permission {name}", "allowed", "denied", Verdict.DIFFERS) for name in denied]
        if open_:
            more = f" and {len(open_) - 5} more" if len(open_) > 5 else ""
            says = f"cannot be told for {', '.join(open_[:5])}{more}"
            evidence.append(Evidence("permissions", "allowed", says, Verdict.WARNS))
        evidence = evidence or [Evidence("permissions", "allowed", "allowed", Verdict.HOLDS)]
        return conclude(evidence, reason="" if evidence[0].verdict is Verdict.HOLDS else evidence[0].seen)


@dataclass(frozen=True, kw_only=True)
class _Metrics(Resource):
    """What counts calls of the old side. `own` names what of the archive `folder` says which calls were ours."""

    uses: ClassVar[frozenset[str]] = frozenset({"aws", "archives"})
    calls: ClassVar[frozenset[str]] = frozenset({"cloudwatch:GetMetricStatistics"})
    check_only: ClassVar[bool] = True
    apis: Things
    functions: Things
    folder: str
    own: tuple[str, ...] = ()

    async def _ours(self, target: Target, asked: tuple[str, str, str, str, str]) -> dict[float, int]:
        """How many of what a metric counts was ours, by the hour in which it was planned."""
        found: dict[float, int] = {}
        for name in self.own:
            seen = await target.archives.content(self.folder, name)
            calls = (seen or {}).get("calls") or {}
            ours = [call for what, call in calls.items() if what.startswith("old ") and self._counts(asked, what, call)]
            if ours:
                found[float(seen["at"])] = found.get(float(seen["at"]), 0) + len(ours)
        return found

    def _counts(self, asked: tuple[str, str, str, str, str], what: str, call: Mapping[str, Any]) -> bool:
        """Whether a metric counts a call of ours: an API each of its own, a function what reached it."""
        name, namespace, metric, _, _ = asked
        if namespace == "AWS/ApiGateway":  # the metrics of a REST API go by its name, its addresses by its id
            api = name.removeprefix(_CALLS)
            domains = [at for item in self._listed() if item["id"] == api for at in item.get("domains", ())]
            return not what.startswith("old https://") or any(at in what for at in (api, *domains))
        return call.get("status") in {"Invocations": (200,), "Throttles": (429, 500, 503)}.get(metric, ())

    def _listed(self) -> Sequence[Mapping[str, Any]]:
        assert not isinstance(self.apis, Unresolved)
        return self.apis

    def _asked(self) -> list[tuple[str, str, str, str, str]]:
        """(what it is called, namespace, metric, dimension, value); a metric of throttles need not have a history."""
        assert not isinstance(self.functions, Unresolved)
        found = []
        for api in self._listed():
            dimension, value = ("ApiId", api["id"]) if api["kind"] == "HTTP" else ("ApiName", api["name"])
            found.append((f"{_CALLS}{api['id']}", "AWS/ApiGateway", "Count", dimension, str(value)))
        for function in self.functions:
            for metric in ("Invocations", "Throttles"):
                name = f"{metric.lower()} of {function['id']}"
                found.append((name, "AWS/Lambda", metric, "FunctionName", str(function["id"])))
        return found

    async def _points(
        self, target: Target, asked: tuple[str, str, str, str, str], start: datetime, end: datetime, period: int
    ) -> dict[float, float]:
        """Calls by the beginning of the period, seconds since the epoch; only those in which there were some."""
        _, namespace, metric, dimension, value = asked
        answer = await target.aws.read(
            "cloudwatch", "GetMetricStatistics", Namespace=namespace, MetricName=metric, Period=period,
            Statistics=("Sum",), StartTime=start, EndTime=end, Dimensions=({"Name": dimension, "Value": value},),
        )  # fmt: skip
        return {
            point["Timestamp"].timestamp(): float(point["Sum"])
            for point in answer.get("Datapoints") or () if point["Sum"]
        }  # fmt: skip


def without_ours(calls: Mapping[float, float], ours: Mapping[float, int]) -> dict[float, float]:
    """Calls by the hour less ours; what was planned at the end of an hour may have been sent in the next."""
    left = dict(calls)
    for at, count in ours.items():
        rest = float(count)
        for hour in (at, at + HOUR):
            taken = min(rest, left.get(hour, 0.0))
            if taken:
                left[hour] -= taken
                rest -= taken
    return {hour: count for hour, count in left.items() if count > 0}


@dataclass(frozen=True, kw_only=True)
class Idle(_Metrics):
    """Nobody has called the old side for a while: no API call, no invocation, no throttled one.

    The while is `days`, with `working_days` in it, and never shorter than the longest silence of the two weeks before
    the last call. A metric that was never there is not zero: its name may be wrong.
    """

    kind: ClassVar[str] = "gates.idle"
    days: int = 7
    working_days: int = 5

    async def inspect(self, target: Target) -> Finding:
        end = datetime.fromtimestamp(math.ceil(self.now / HOUR) * HOUR, UTC)
        asked = self._asked()
        found = await asyncio.gather(*(self._calls(target, item, end) for item in asked))
        evidence: list[Evidence] = []
        opens, reason = 0.0, ""
        for item, calls in zip(asked, found, strict=True):
            if calls is None and item[2] == "Throttles":
                evidence.append(Evidence(item[0], "none", "never any", Verdict.HOLDS))
            elif calls is None:
                says = "no such metric in 15 months: nothing ever called it, or the name is wrong"
                evidence.append(Evidence(item[0], "none, where there were some", says, Verdict.UNKNOWN))
            else:
                until, judged = self._judge(item[0], calls)
                evidence.append(judged)
                if until > opens and judged.verdict is Verdict.CONVERGING:
                    opens, reason = until, f"{judged.asked}: {judged.seen}"
        evidence = evidence or [Evidence("calls of the old side", "none", "nothing is listed", Verdict.HOLDS)]
        return conclude(evidence, reason=reason, until=opens or None)

    async def _calls(
        self, target: Target, asked: tuple[str, str, str, str, str], end: datetime
    ) -> dict[float, float] | None:
        """By the hour for the last weeks; when there were none, by the day for as long as AWS remembers."""
        ours = await self._ours(target, asked)
        recent = await self._points(target, asked, end - timedelta(days=_HISTORY + self.days), end, 3600)
        if others := without_ours(recent, ours):
            return others
        long_ago = await self._points(target, asked, end - timedelta(days=450), end, 86400)
        days = {hour // DAY * DAY for hour in ours}
        return {at + DAY - HOUR: calls for at, calls in long_ago.items() if at not in days} or None

    def _judge(self, asked: str, calls: Mapping[float, float]) -> tuple[float, Evidence]:
        last = max(calls) + HOUR
        opens = self._opens(sorted(calls), last)
        recent = sum(count for at, count in calls.items() if at >= self.now - DAY - HOUR)
        seen = f"last one before {_when(last)}"
        if recent:
            seen = f"{recent:g} in the last 24 h, {seen}"
        if self.now >= opens:
            return opens, Evidence(asked, f"none since {_when(last)}", seen, Verdict.HOLDS)
        return opens, Evidence(
            asked, "none for long enough", f"{seen}; opens {_when(opens)} at the earliest", Verdict.CONVERGING
        )

    def _opens(self, hours: Sequence[float], last: float) -> float:
        """When the silence since the last call is long enough."""
        silences = [later - earlier - HOUR for earlier, later in itertools.pairwise(hours)]
        opens = last + max(self.days * DAY, max(silences, default=0.0)) + LAG
        while _working_days(last, opens) < min(self.working_days, self.days):
            opens += DAY
        return opens


def _working_days(start: float, end: float) -> int:
    """Whole days from Monday to Friday between two times."""
    days = int((end - start) // DAY)
    return sum(datetime.fromtimestamp(start + day * DAY, UTC).weekday() < 5 for day in range(days))


def _when(at: float) -> str:
    return time.strftime("%a %Y-%m-%d %H:%M UTC", time.gmtime(at))


@dataclass(frozen=True, kw_only=True)
class Soaked(_Metrics):
    """The old side was switched off for so many hours, and in that time nobody called it.

    A call that was refused counts: somebody still has the old address. The time is what the note on the API says, so
    that no machine has to stay awake.
    """

    kind: ClassVar[str] = "gates.soaked"
    since: float | Unresolved
    hours: int = 24

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.since, Unresolved)
        if not self.since:
            return conclude([Evidence("off", "long enough", "no API is left that could be called", Verdict.HOLDS)])
        over = self.since + max(self.hours * HOUR, LAG)
        verdict = Verdict.HOLDS if self.now >= over else Verdict.CONVERGING
        evidence = [Evidence("off", f"until {_when(over)}", f"since {_when(self.since)}", verdict)]
        start = datetime.fromtimestamp(math.floor(self.since / 60) * 60, UTC)
        end = datetime.fromtimestamp(math.ceil(max(self.now, self.since) / 60) * 60, UTC) + timedelta(minutes=1)
        period = 60 if (end - start) < timedelta(hours=24) else 3600
        asked = self._asked()
        found = await asyncio.gather(*(self._points(target, item, start, end, period) for item in asked))
        for item, calls in zip(asked, found, strict=True):
            ours = await self._ours(target, item)
            others = sum(calls.values()) - sum(count for at, count in ours.items() if at + HOUR > self.since)
            says = f"{others:g}, last {_when(max(calls))}" if others > 0 else "none"
            evidence.append(
                Evidence(f"{item[0]} since then", "none", says, Verdict.DIFFERS if others > 0 else Verdict.HOLDS)
            )
        if any(item.verdict is Verdict.DIFFERS for item in evidence):
            return conclude(evidence, reason="somebody still calls the old side")
        waits = verdict is Verdict.CONVERGING
        return conclude(evidence, reason=f"soaking until {_when(over)}" if waits else "", until=over if waits else None)
