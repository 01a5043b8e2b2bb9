"""Every rule of the practice AWS says where it is from, and is seen refusing or answering by a test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from iris_migrate.rehearsal.launch import World
from tests.rehearsal.conftest import Clients, Control

ROOT = Path(__file__).resolve().parents[2]
TAGGED = {"CreateApi", "CreateFunction", "CreateRepository", "CreateRestApi", "CreateRole"}


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
        assert rule["seen"] == "assumed", rule  # what a run on real AWS saw stands in docs/verified-on-aws.md


def test_the_page_of_rules_is_as_it_would_be_written(control: Control) -> None:
    done = on("rule_document", "--check")
    assert done.returncode == 0, "docs/verified-on-aws.md is stale: python -m tests.rehearsal.rule_document"
    assert done.stdout.startswith(f"{len(control.get('rules'))} rules")


def on(module: str, *arguments: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """A module of this folder as a program, in an environment without CI."""
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", f"tests.rehearsal.{module}", *arguments], cwd=ROOT, env={**kept, **environment},
        input=typed, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_the_run_on_aws_refuses_in_ci_and_without_the_accounts_id(world: World, tmp_path: Path) -> None:
    assert on("on_aws", CI="true").returncode == 2
    assert "was not seen on AWS" in on("on_aws", **world.env).stderr
    calls = len(Control(world).calls())
    page = str(tmp_path / "page.md")
    other = on("on_aws", "--document", page, typed="210987654321\n", **world.env)
    assert other.returncode == 2 and "nothing was made" in other.stderr
    assert {call["operation"] for call in Control(world).calls(calls)} == {"GetCallerIdentity"}


@pytest.mark.long
def test_the_run_on_aws_tags_and_removes_what_it_makes_and_writes_the_page(world: World, tmp_path: Path) -> None:
    """On the practice AWS, as if it were an account: it says so on the page."""
    calls = len(Control(world).calls())
    page = tmp_path / "page.md"
    done = on("on_aws", "--document", str(page), typed="123456789012\n", **world.env)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    made = [call for call in Control(world).calls(calls) if call["operation"] in TAGGED and call["status"] < 300]
    assert {call["operation"] for call in made} == TAGGED
    assert all("test-aws" in str(call["params"]) for call in made)
    assert "All that was made is removed." in done.stdout
    aws = Clients(world)
    assert [api["Name"] for api in aws.apigatewayv2.get_apis()["Items"]] == ["iris-api"]
    assert {item["repositoryName"] for item in aws.ecr.describe_repositories()["repositories"]} == {"iris-backend"}
    assert page.read_text().count("**holds**") >= 12
    assert world.env["AWS_ENDPOINT_URL"] in page.read_text(), "never taken for AWS"
