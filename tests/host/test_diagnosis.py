"""The plan's troubleshooting on a real host: each cause is named alone and beside another one, and none without one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.host.ground import RealGround, keeping
from tests.host.site import Site
from tests.practice.test_diagnosis import CAUSES, Doctor, named, told
from tests.practice.test_every_step import Looker, environment, names

# Each entry of the plan's section on failures (lines 526 to 577), two by two.
PAIRS = [
    ("variables-missing", "port-taken"),
    ("package-missing", "passes-on-elsewhere"),
    ("cache-not-writable", "cache-elsewhere"),
    ("leads-elsewhere", "certificate-expired"),
    ("cache-not-writable", "certificate-of-another-name"),
]
KNOWN = {item.cause: item for item in CAUSES}


@pytest.fixture(scope="module")
def doctor(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doctor]:
    with environment(site.world.environment()), asyncio.Runner() as runner:
        looker = Looker(runner)
        try:
            given = keeping(names(looker) | {"python": sys.executable}, tmp_path_factory.mktemp("faults"))
            ground = RealGround(site.world, given, site=site)
            yield Doctor(looker, ground, looker.session("lambda-to-ec2", {}))
        finally:
            looker.close()


def test_nothing_is_named_on_a_healthy_host(doctor: Doctor) -> None:
    found = doctor.until(set())
    assert told(found) == ""
    assert found.untold == ()


@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_each_of_a_pair_is_named_alone_and_both_together(pair: tuple[str, str], doctor: Doctor) -> None:
    one, other = (KNOWN[name] for name in pair)
    with ExitStack() as later, ExitStack() as sooner:
        sooner.enter_context(doctor.planted(one, frozenset(other.named)))  # what is named after it was taken back
        alone(doctor, one.named)
        later.enter_context(doctor.planted(other))
        alone(doctor, one.named | other.named)


def alone(doctor: Doctor, wanted: set[str]) -> None:
    """These are named and no other, by facts."""
    found = doctor.until(wanted)
    assert named(found) == wanted, told(found)
    assert all(item.facts for item in found.named)


def test_a_clock_that_is_a_day_off_is_named(doctor: Doctor) -> None:
    """The host has this machine's clock: it is the workstation's that is wrong, which a host cannot tell apart."""
    off = replace(doctor, session=doctor.looker.session("lambda-to-ec2", {}, 86400.0))
    found = off.until({"clock-wrong"})
    assert named(found) == {"clock-wrong"}, told(found)
    assert named(doctor.until(set())) == set()
