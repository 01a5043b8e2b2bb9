"""docs/verified-on-aws.md from the rules, the tests that name them, and what a run on real AWS has seen."""

from __future__ import annotations

import contextlib
import importlib
import io
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from iris_migrate.rehearsal.aws import rules
from iris_migrate.rehearsal.aws.rules.book import Rule

HERE = Path(__file__).parent
SEEN = HERE / "seen_on_aws.yaml"
DOCUMENT = HERE.parents[1] / "docs/verified-on-aws.md"
# What only a practice world has: tests that ask for one of these cannot run on real AWS.
PRACTICE_ONLY = frozenset({"world", "control", "outside", "old", "rest_world", "no_faults"})
HEAD = """\
# What was seen on real AWS

The practice AWS refuses what AWS refuses. Each rule names its source; *assumed* means that it stands on the word of
that source alone. `make test-aws` runs the tests of these rules against an account of yours: it asks for the account's
id, makes only what is free or costs cents, tags it `iris-migrate: test-aws`, removes all of it, and writes this page
anew. A rule whose tests need what only a practice world has (a clock that is moved on, an old side) says so.

| rule | what AWS does | source | seen |
|---|---|---|---|
"""


def all_rules() -> list[type[Rule]]:
    """Every rule that says something, by name."""
    for module in pkgutil.iter_modules(rules.__path__):
        importlib.import_module(f"{rules.__name__}.{module.name}")
    found = {rule.__name__: rule for rule in _below(Rule) if rule.says}  # slots make a class a second time
    return [found[name] for name in sorted(found)]


def _below(kind: type[Rule]) -> Iterator[type[Rule]]:
    for one in kind.__subclasses__():
        yield from (one, *_below(one))


def seen() -> dict[str, dict[str, str]]:
    """By rule: `at`, `where`, `outcome` (holds or differs), `tests`."""
    found: dict[str, dict[str, str]] = yaml.safe_load(SEEN.read_text()) or {}
    return found


def text(found: Mapping[str, Mapping[str, str]], runnable: set[str]) -> str:
    """The page. `runnable` are the rules that have a test which can run on real AWS."""
    rows = [f"| {rule.__name__} | {_cell(rule.says)} | {_source(rule.source)} | {_seen(rule, found, runnable)} |"
            for rule in all_rules()]  # fmt: skip
    return HEAD + "\n".join(rows) + "\n"


def _seen(rule: type[Rule], found: Mapping[str, Mapping[str, str]], runnable: set[str]) -> str:
    if (one := found.get(rule.__name__)) is not None:
        return _cell(f"**{one['outcome']}**, {one['at']}, {one['where']} ({one['tests']})")
    return "assumed" if rule.__name__ in runnable else "assumed; its tests need a practice world"


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")


def _source(words: str) -> str:
    return re.sub(r"https?://[^\s,)]+", lambda found: f"<{found[0]}>", _cell(words))


def write(found: Mapping[str, Mapping[str, Any]], runnable: set[str], document: Path, kept: Path) -> None:
    """Keep what was seen, and the page."""
    head = "".join(line for line in SEEN.read_text().splitlines(keepends=True) if line.startswith("#"))
    kept.write_text(head + yaml.safe_dump(dict(found), sort_keys=True, width=120))
    document.write_text(text(found, runnable))


def rules_of(item: pytest.Item) -> tuple[str, ...]:
    mark = item.get_closest_marker("rule")
    return tuple(mark.args) if mark else ()


def runs_on_aws(item: pytest.Item) -> bool:
    """Whether a test is about a rule and needs nothing but AWS."""
    return bool(rules_of(item)) and not PRACTICE_ONLY & set(getattr(item, "fixturenames", PRACTICE_ONLY))


class Collected:
    """A pytest plugin that only sees which rules have a test for real AWS."""

    def __init__(self) -> None:
        self.runnable: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.runnable = {rule for item in session.items if runs_on_aws(item) for rule in rules_of(item)}


def main(argv: list[str]) -> int:
    """Write the page; with --check only say whether it is as it would be written."""
    collected = Collected()
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main([str(HERE), "--collect-only", "-q", "-p", "no:cacheprovider"], plugins=[collected])
    page = text(seen(), collected.runnable)
    if "--check" not in argv:
        DOCUMENT.write_text(page)
        return 0
    print(f"{len(all_rules())} rules, {len(collected.runnable)} with a test for real AWS")
    return 0 if DOCUMENT.read_text() == page else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
