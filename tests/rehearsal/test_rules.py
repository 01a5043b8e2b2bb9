"""Every rule of the practice AWS says where it is from, and is seen refusing or answering by a test."""

from __future__ import annotations

import re
from pathlib import Path

from tests.rehearsal.conftest import Control


def named_by_tests() -> set[str]:
    """Rules that a test names by `pytest.mark.rule`."""
    found: set[str] = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for names in re.findall(r"@pytest\.mark\.rule\(([^)]*)\)", path.read_text()):
            found.update(re.findall(r'"(\w+)"', names))
    return found


def test_every_rule_has_a_test_and_every_test_a_rule(control: Control) -> None:
    assert {rule["rule"] for rule in control.get("rules")} == named_by_tests()


def test_every_rule_names_its_source_and_is_assumed_until_seen(control: Control) -> None:
    for rule in control.get("rules"):
        assert rule["says"], rule
        assert rule["source"], rule
        assert rule["seen"] == "assumed", rule  # until `docs/verified-on-aws.md` exists
