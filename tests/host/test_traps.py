"""Each trap of the plan that lives on a host, planted by the plan's own lines: named, mended, alike on both hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from iris_migrate.rehearsal.launch import start_world
from tests.host.site import LIMIT, Site
from tests.host.traps import TRAPS, Trap
from tests.practice.run import command

_PATHS = re.compile(r"(?<![\w.])/(?=(?:opt|var|etc)/)")
Seen = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def practice() -> Iterator[Site]:
    """The practice host after the journey."""
    with start_world() as world:
        done = command(world, "migrate", "--auto", "--format", "json", limit=LIMIT)
        assert done.status == 0, done.why()
        yield Site(world)


@pytest.fixture(scope="module")
def table() -> Iterator[Seen]:
    """What each host said of each trap; printed when all were planted."""
    seen: Seen = {}
    yield seen
    print(f"\n{'trap of the plan':78} {'real host':28} practice host")
    for name, verdicts in seen.items():
        print(f"{name:78} {verdicts.get('real', '-'):28} {verdicts.get('practice', '-')}")


def plant(site: Site, trap: Trap) -> None:
    def here(text: str) -> str:
        return _PATHS.sub(f"{site.root}/", text.replace("ec2-user", site.user))

    if trap.before:
        site.said(here(trap.before))
    if trap.file:
        done = site.run(f"cat >{here(trap.file)} && chown root:root {here(trap.file)}", here(trap.block).encode())
        assert done.status == 0, done.err
    else:
        site.said(here(trap.block))
    if trap.then:
        site.said(here(trap.then))


def verdicts(site: Site, trap: Trap) -> str:
    """How the steps that have to name the trap stand, in words; fails when one does not name it."""
    found = site.program("verify", "--format", "json")
    steps = {step["id"]: step for step in found.document["steps"]}
    for name, words in trap.steps.items():
        said = " ".join(f"{item['asked']} {item['expected']} {item['seen']}" for item in steps[name]["evidence"])
        assert steps[name]["status"] not in {"holds", "left-out"}, f"{trap.name}: {name} does not see it"
        assert words in said, f"{trap.name}: {name} does not name it: {said}"
    return ", ".join(f"{name} {steps[name]['status']}" for name in trap.steps)


@pytest.mark.parametrize("where", ["real", "practice"])
def test_every_trap_is_named_and_all_are_mended(where: str, table: Seen, request: pytest.FixtureRequest) -> None:
    """Planted one after the other, each named as soon as it is there; one run mends them all."""
    site: Site = request.getfixturevalue("site" if where == "real" else "practice")
    for trap in TRAPS:
        plant(site, trap)
        seen = table.setdefault(trap.name, {})
        seen[where] = verdicts(site, trap)
        assert len(set(seen.values())) == 1, f"the practice host judges otherwise than the real one: {seen}"
    mended = site.migrate()
    assert mended.status == 0, mended.why()
    steps = {name for trap in TRAPS for name in trap.steps}
    assert {name: mended.statuses[name] for name in steps} == dict.fromkeys(steps, "holds")
