"""The dnf path against the real dnf and rpm, over a small repository: what Amazon Linux 2023 would be told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from iris_migrate.findings import Verdict
from iris_migrate.language.data import checklists_folder
from iris_migrate.resources.packages import Installed, Upgraded
from iris_migrate.values import StepKey
from tests.host.repository import Small, missing
from tests.practice.site import Site, opened
from tests.practice_host import PracticeAccess, practice_host

__all__ = ["practice_host"]
pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

PROFILE = yaml.safe_load((checklists_folder() / "profiles.yaml").read_text())["amazon-linux-2023"]
NAMES = tuple(sorted({name for names in PROFILE["packages"].values() for name in names}))


@pytest.fixture
def small(practice_host: PracticeAccess) -> Small:
    """Every package that the profile names, on a host that has dnf and rpm and neither apt nor dpkg."""
    small = Small(practice_host.root / "srv/small")
    small.folder.mkdir()
    small.build(NAMES, "1")
    stand_ins = practice_host.root / "stand-ins"
    for name in ("apt", "apt-get", "apt-cache", "apt-mark", "dpkg", "dpkg-query"):
        (stand_ins / name).unlink()
    small.wrap(stand_ins)
    return small


@pytest.fixture
async def site(small: Small, practice_host: PracticeAccess, tmp_path: Path) -> AsyncIterator[Site]:
    flags = {"os": "amazon-linux-2023", "host.root": str(practice_host.root)}
    async with opened(practice_host, tmp_path, flags, {}) as site:
        yield site


def key(step: str) -> StepKey:
    return StepKey("m", step)


async def test_the_profiles_packages_are_installed_found_and_removed(site: Site, small: Small) -> None:
    resource = Installed(names=NAMES, manager="dnf", key=key("packages"), now=site.clock.now())
    before, after = await site.make(resource)
    assert before.verdict is Verdict.ABSENT
    assert after.verdict is Verdict.HOLDS, after
    assert {small.version(name) for name in NAMES} == {"1"}
    assert resource.plan(after) == [], "the second run has nothing to do"
    back = await site.undo(resource, before, after)
    assert back.verdict is Verdict.ABSENT
    assert {small.version(name) for name in NAMES} == {""}


async def test_one_that_is_there_is_not_asked_for_again(site: Site, small: Small) -> None:
    first = Installed(names=("git",), manager="dnf", key=key("first"), now=site.clock.now())
    await site.make(first)
    both = Installed(names=("git", "python3.11-pip"), manager="dnf", key=key("both"), now=site.clock.now())
    (change,) = both.plan(await site.look(both))
    assert "git" not in change.says and "python3.11-pip" in change.says
    _, after = await site.make(both)
    assert after.holds and small.version("python3.11-pip") == "1"


async def test_a_package_that_nobody_has_is_a_failure_with_the_tools_words(site: Site) -> None:
    resource = Installed(names=("no-such-package",), manager="dnf", key=key("none"), now=site.clock.now())
    before = await site.look(resource)
    outcome = await site.executor.execute(None, resource.key, resource.plan(before), before)
    assert outcome.failed is not None
    assert "Unable to find a match: no-such-package" in "\n".join((outcome.error, *outcome.lines))


async def test_upgrades_are_counted_and_carried_out(site: Site, small: Small) -> None:
    stamp = f"{site.root}/var/lib/iris-migrate/upgraded"
    reboot = f"{site.root}/var/run/reboot-required"
    installed = Installed(names=("git", "nginx"), manager="dnf", key=key("packages"), now=site.clock.now())
    await site.make(installed)
    upgraded = Upgraded(manager="dnf", stamp=stamp, reboot_file=reboot, key=key("upgraded"), now=site.clock.now())
    before, after = await site.make(upgraded)
    assert (before.verdict, after.verdict) == (Verdict.ABSENT, Verdict.HOLDS), after
    small.build(("nginx",), "2")
    refresh = site.access.run("sudo -n dnf -q makecache")
    assert refresh.status == 0, refresh.err
    found = await site.look(upgraded)
    (pending,) = [item for item in found.evidence if item.asked == "upgrades pending"]
    assert (found.verdict, pending.seen) == (Verdict.WARNS, "1")
    outcome = await site.executor.execute(None, upgraded.key, upgraded.plan(before), before)
    assert outcome.failed is None, outcome.lines
    assert small.version("nginx") == "2" and small.version("git") == "1"
    assert (await site.look(upgraded)).holds


async def test_a_mirror_that_is_down_fails_with_the_tools_words_and_a_retry_works(site: Site, small: Small) -> None:
    away = small.folder / "repository.away"
    small.repository.rename(away)
    resource = Installed(names=("certbot",), manager="dnf", key=key("certbot"), now=site.clock.now())
    before = await site.look(resource)
    outcome = await site.executor.execute(None, resource.key, resource.plan(before), before)
    said = "\n".join((outcome.error, *outcome.lines))
    assert outcome.failed is not None and "repomd.xml" in said
    away.rename(small.repository)
    _, after = await site.make(resource)
    assert after.holds
