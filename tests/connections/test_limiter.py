"""The pace of calls: what AWS allows, on the given clock."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_migrate.connections.limiter import Bucket, Limiter
from tests.connections.clock import JumpingClock


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


def paced(clock: JumpingClock) -> tuple[Limiter, list[tuple[str, float]]]:
    told: list[tuple[str, float]] = []
    return Limiter(clock, lambda action, seconds: told.append((action, seconds))), told


async def test_the_second_deletion_of_a_rest_api_waits_thirty_seconds_and_says_so(clock: JumpingClock) -> None:
    limiter, told = paced(clock)
    await limiter.turn("apigateway", "DeleteRestApi")
    assert told == []
    clock.time += 10
    await limiter.turn("apigateway", "DeleteRestApi")
    assert told == [("apigateway:DeleteRestApi", pytest.approx(20))]
    assert clock.waits == [pytest.approx(20)]


async def test_a_service_without_a_rule_never_waits(clock: JumpingClock) -> None:
    limiter, told = paced(clock)
    for _ in range(200):
        await limiter.turn("ec2", "DescribeInstances")
    assert (told, clock.waits) == ([], [])


async def test_both_gateways_share_ten_a_second_after_a_burst_of_forty(clock: JumpingClock) -> None:
    limiter, _ = paced(clock)
    for number in range(40):
        await limiter.turn(("apigateway", "apigatewayv2")[number % 2], "GetRoutes")
    assert clock.waits == []
    await limiter.turn("apigatewayv2", "GetRoutes")
    assert clock.waits == [pytest.approx(0.1, abs=1e-3)]


async def test_turns_asked_for_at_once_come_one_after_the_other() -> None:
    """A clock that stands still: the waits themselves are spaced, whoever waits first."""

    class Standing(JumpingClock):
        async def sleep(self, seconds: float) -> None:
            self.waits.append(seconds)

    clock = Standing()
    limiter, _ = paced(clock)
    await asyncio.gather(*(limiter.turn("apigateway", "CreateDeployment") for _ in range(4)))
    assert sorted(clock.waits) == [pytest.approx(5), pytest.approx(10), pytest.approx(15)]


@given(st.floats(0.01, 60), st.integers(1, 50), st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_no_window_ever_holds_more_than_the_burst_and_the_rate(interval: float, burst: int, gaps: list[float]) -> None:
    bucket, now, sent = Bucket(interval, burst), 1000.0, []
    for gap in gaps:
        now += gap
        sent.append(now + bucket.reserve(now))
    assert sent == sorted(sent)
    for first in range(len(sent)):
        for last in range(first + 1, len(sent)):
            allowed = burst + (sent[last] - sent[first]) / interval
            assert last - first + 1 <= allowed + 1e-6
