"""Each scripted failure as a person meets it: what happened, why, what next, the exit code; mended, it goes on."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from iris_migrate.cli import COMMANDS
from iris_migrate.engine.permissions import action, policy
from iris_migrate.language.load import load
from iris_migrate.rehearsal.launch import World, start_world
from tests.practice.run import Done, command

pytestmark = pytest.mark.slow

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def fault(world: World, **body: Any) -> None:
    """Script a failure, or mend one, while the world runs."""
    request = urllib.request.Request(f"{world.control}faults", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def migrate(world: World) -> Done:
    done = command(world, "migrate", "--auto", "--format", "json")
    assert "\nTraceback" not in done.err and not CONTROL.search(done.err)
    return done


@pytest.fixture(scope="module")
def mended() -> Iterator[World]:
    """A world in which one thing after the other goes wrong and is mended. Its tests stand in that order."""
    with start_world(faults=["expired-login"]) as world:
        yield world


@pytest.mark.xdist_group("faults-mended")
class TestOneAfterTheOther:
    def test_an_expired_login_says_how_to_log_in_again(self, mended: World) -> None:
        done = migrate(mended)
        assert done.status == 3 and done.out == ""
        assert "The AWS login has expired. Log in again: aws sso login" in done.err
        fault(mended, mend="expired-login")

    def test_a_missing_permission_is_named(self, mended: World) -> None:
        fault(mended, add="no-permission=ec2:AllocateAddress")
        done = migrate(mended)
        assert done.status == 3 and done.statuses["elastic-ip"] == "failed"
        assert "lacks ec2:AllocateAddress: see `iris-migrate permissions`" in done.err
        assert "Mend that, then start again" in done.err
        fault(mended, mend="no-permission")

    def test_another_host_key_is_refused_at_once(self, mended: World) -> None:
        fault(mended, add="host-key-changed")
        done = migrate(mended)
        assert done.status == 3 and done.statuses["ssh"] == "failed"
        assert len(set(re.findall(r"SHA256:[A-Za-z0-9+/]{43}", done.err))) >= 2, "both fingerprints are shown"
        assert "nothing was sent" in done.err
        looked = command(mended, "verify", "--format", "json")
        assert looked.status == 3 and looked.statuses["ssh"] == "unknown"
        fault(mended, mend="host-key-changed")

    def test_a_full_disk_fails_the_step_and_leaves_nothing_half_written(self, mended: World) -> None:
        fault(mended, add="disk-full")
        done = migrate(mended)
        assert done.status == 1 and "failed" in done.statuses.values()
        assert "No space left on device" in done.err and "Cause: The disk is full." in done.err
        fault(mended, mend="disk-full")

    def test_mended_it_goes_on_to_its_end_through_a_cut_line_and_a_slow_aws(self, mended: World) -> None:
        fault(mended, add="ssh-drop")
        fault(mended, add="throttle")
        done = migrate(mended)
        assert done.status == 0, done.why()
        assert set(done.statuses.values()) <= {"holds", "confirmed", "left-out", "warns"}
        assert "was lost" in done.err and "is back" in done.err
        assert "AWS said" in done.err and "waiting: " in done.err

    def test_the_policy_allows_every_call_that_was_made(self, mended: World) -> None:
        allowed = {
            item
            for statement in policy(load("lambda-to-ec2"), "us-east-1")["Statement"]
            for item in statement["Action"]
        }
        with urllib.request.urlopen(f"{mended.control}calls", timeout=10) as answer:
            calls = {f"{call['service']}:{call['operation']}" for call in json.load(answer)["calls"]}
        assert "ec2:RunInstances" in calls
        assert {action(call) for call in calls - {"sts:GetCallerIdentity"}} - allowed == set()

    def test_every_command_works_on_it(self, mended: World) -> None:
        said = {
            "verify": command(mended, "verify", "--format", "json"),
            "verify monitoring": command(mended, "verify", "monitoring", "--format", "json"),
            "plan": command(mended, "plan", "--format", "json"),
            "cost": command(mended, "cost"),
            "diagnose": command(mended, "diagnose"),
            "status": command(mended, "status", "--format", "json"),
            "logs": command(mended, "logs", "--since", "1h"),
            "report": command(mended, "report", "--format", "md"),
            "permissions": command(mended, "permissions"),
            "checklist": command(mended, "checklist", "runbook"),
        }
        elsewhere = {
            "migrate",
            "rehearse",
            "adopt",
            "bridge",
            "decommission",
            "restore",
            "archive",
        }  # have their own tests
        assert {name.split()[0] for name in said} | elsewhere == set(COMMANDS)
        for name, done in said.items():
            assert done.status == 0, (name, done.why())
            assert done.out and not CONTROL.search(done.out), name
        assert not any(step["changes"] for step in said["plan"].document["steps"])
        assert "gunicorn" in said["logs"].out and "## Changes" in said["report"].out
        for secret in (mended.env["OPENAI_API_KEY"], mended.env["IRIS_API_KEYS"], mended.env["IRIS_BACKUP_PASSPHRASE"]):
            assert not any(secret in done.out + done.err for done in said.values())


@pytest.mark.xdist_group("faults-commit")
def test_a_commit_that_does_not_start_is_told_by_its_lines_and_another_one_goes_on() -> None:
    with start_world(faults=["slow-boot=4", "bad-commit"]) as world:
        done = migrate(world)
        assert done.err.index("Cost a month in us-east-1") < done.err.index("key-pair"), "before anything is made"
        assert done.status == 1 and done.statuses["app-answers"] == "failed"
        assert done.statuses["instance"] == "holds", "a slow boot is waited for"
        assert "broken on purpose" in done.err and "what came of it is not what should be" in done.err
        good = command(world, "--set", "repository.commit=main", "migrate", "--auto", "--format", "json")
        assert good.status == 0, good.why()
        assert "app-answers" in good.err and set(good.statuses.values()) <= {"holds", "confirmed", "left-out", "warns"}
