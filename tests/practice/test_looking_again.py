"""`verify` on a world after a whole migration: formats, a fault by hand, nothing changed, and bad input."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from iris_migrate.connections.host.keys import KnownHosts, fingerprint
from iris_migrate.rehearsal.launch import World
from tests.formats import junit, nagios, tap
from tests.practice.finished import Finished, forget_the_last_hour
from tests.practice.run import Done, command

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("journey")]

LEVELS = yaml.safe_load(Path(__file__).with_name("access_levels.yaml").read_text())
# What the host writes by itself, whoever looks: logs, what runs, the journal. Everything else stays as it was.
OWN = ("var/log/", "run/", "tmp/", "proc/")
NOWHERE = "127.0.0.9:9"  # nothing listens there

PROBES = """
phase: {id: "1", title: Probes}
steps:
%s
"""
HEAD = """
name: probes
title: Probes
settings_from: lambda-to-ec2
settings:
  host.address: {type: str, default: "", description: Address of the host., discover: host-address}
  host.instance: {type: str, default: "", description: Its instance., discover: host-instance}
host: {address: "{{ host.address }}", instance: "{{ host.instance }}", user: "{{ profile.user }}",
       port: "{{ ssh.port }}", key: "{{ ssh.key }}", root: "{{ host.root }}"}
phases: [steps.yaml]
"""


def fault(world: World, **body: Any) -> None:
    request = urllib.request.Request(f"{world.control}faults", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


@contextmanager
def faulty(world: World, name: str, what: str = "") -> Iterator[None]:
    fault(world, add=f"{name}={what}" if what else name)
    try:
        yield
    finally:
        fault(world, mend=name)


def calls(world: World) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{world.control}calls") as answer:
        found: list[dict[str, Any]] = json.load(answer)["calls"]
    return found


def settings(world: World) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(Path(world.env["IRIS_MIGRATE_SETTINGS"]).read_text())
    return found


def root(world: World) -> Path:
    return Path(settings(world)["host.root"])


def digests(folder: Path) -> dict[str, tuple[object, ...]]:
    """Every file of the host: content, mode, owner, mtime and ctime."""
    found: dict[str, tuple[object, ...]] = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if name.startswith(OWN) or path.is_socket() or path.is_fifo():
            continue
        stat = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
        found[name] = (content, stat.st_mode, stat.st_uid, stat.st_gid, stat.st_mtime_ns, stat.st_ctime_ns)
    return found


def at_rest(folder: Path) -> dict[str, tuple[object, ...]]:
    """The digests once what earlier tests began has been written to its end: two in a row are the same."""
    before = digests(folder)
    while (now := digests(folder)) != before:
        before = now
    return before


def probes(folder: Path, **scripts: str) -> str:
    """A checklist that asks the host by commands of its own."""
    (folder / "checklist.yaml").write_text(HEAD)
    steps = "\n".join(
        f"  - {json.dumps({'id': name, 'title': name, 'resource': 'host.command', 'with': {'run': script}})}"
        for name, script in scripts.items()
    )
    (folder / "steps.yaml").write_text(PROBES % steps)
    return str(folder)


@pytest.fixture
def wrong(finished: Finished) -> Iterator[World]:
    """By hand: the service's variables are readable by all, and a key on the workstation is."""
    world = finished.world
    variables = Path(settings(world)["host.root"], "opt/iris/backend/.env")
    key = Path(settings(world)["ssh.key"])
    before = variables.stat().st_mode & 0o777
    variables.chmod(0o644)
    key.chmod(0o644)
    try:
        yield world
    finally:
        variables.chmod(before)
        key.chmod(0o600)


ONLY = ("--only", "1", "--only", "variables")


def test_a_fault_by_hand_is_told_as_lost_with_both_evidences(wrong: World) -> None:
    done = command(wrong, "verify", *ONLY)
    assert done.status == 1
    head, *rest = done.out.splitlines()
    assert head == "Held before, does not hold now:"
    assert "key-pair  held 20" in rest[0] and "expected 0600, seen 0644; then 0600" in done.out
    assert "variables  held 20" in done.out


def test_every_format_tells_the_same(wrong: World) -> None:
    with faulty(wrong, "no-permission", "ec2:GetConsoleOutput"):
        found = command(wrong, "verify", *ONLY, "--format", "json")
        cases = junit(command(wrong, "verify", *ONLY, "--format", "junit").out)
        points = tap(command(wrong, "verify", *ONLY, "--format", "tap").out)
        plugin = command(wrong, "verify", *ONLY, "--format", "nagios")
    expected = {
        "ready": ("failure", False), "unknown": ("error", False), "waiting": ("error", False), "holds": ("", True),
        "left-out": ("skipped", True),
    }  # fmt: skip
    assert {found.statuses[name] for name in ("key-pair", "host-keys", "image")} == {"ready", "unknown", "holds"}
    for name, status in found.statuses.items():
        assert (cases[name][0], points[name].ok) == expected[status], name
    assert found.status == 3, "a permission is missing"
    told = nagios(plugin.out, plugin.status)
    assert told.state == "CRITICAL" and "key-pair" in told.says and "ec2:GetConsoleOutput" in told.says
    assert told.figures["failed"] == 2 and told.figures["untold"] == 1


@pytest.mark.parametrize(("checklist", "asks_aws"), [("lambda-to-ec2", True), ("monitoring", False)])
def test_nothing_is_changed_by_looking(finished: Finished, checklist: str, asks_aws: bool) -> None:
    forget_the_last_hour(finished)
    world = finished.world
    count, before = len(calls(world)), at_rest(root(world))
    done = command(world, "verify", checklist, "--format", "json")
    assert done.status == 0, done.why()
    after = digests(root(world))
    names = {name for name in before | after if before.get(name) != after.get(name)}
    assert {name: (before.get(name), after.get(name)) for name in names} == {}
    assert len(before) > 500
    made = calls(world)[count:]
    assert bool(made) is asks_aws  # a host whose key is pinned is reached without AWS
    assert [call for call in made if not _reads(call) and not call["dry_run"]] == []
    assert [call for call in made if call["dry_run"]] == []


def _reads(call: dict[str, Any]) -> bool:
    """Whether AWS itself counts the action as reading or listing."""
    return call["operation"] in LEVELS.get(call["service"], ())


def test_the_classification_knows_what_changes(finished: Finished) -> None:
    writes = {f"{call['service']}:{call['operation']}" for call in calls(finished.world) if not _reads(call)}
    assert {"ec2:RunInstances", "ec2:CreateTags", "ec2:AllocateAddress"} <= writes


def test_probes_that_hang_or_talk_nonsense_leave_the_others_told(finished: Finished, tmp_path: Path) -> None:
    folder = probes(
        tmp_path, fine="true", hangs="sleep 1000", silent="cat /dev/full >/dev/null; sleep 1000", dies="kill -9 $$",
        binary=r"printf '\377\376\000\033[31m'; exit 3", huge="head -c 50000000 /dev/zero | tr '\\0' x",
        wrong="echo no; exit 4", also="echo yes",
    )  # fmt: skip
    done = command(finished.world, "verify", folder, "--format", "json", "--timeout", "6")
    told = done.statuses
    assert done.status == 1, done.why()
    assert {name for name, status in told.items() if status == "holds"} == {"fine", "also"}
    assert told["hangs"] == told["silent"] == told["huge"] == "unknown"
    assert told["dies"] in ("ready", "unknown") and told["binary"] == told["wrong"] == "ready"
    steps = {step["id"]: step for step in done.document["steps"]}
    assert "within" in steps["hangs"]["detail"] or "no answer" in steps["hangs"]["detail"]
    assert "more than 64 KiB" in steps["huge"]["detail"]
    assert "\x1b" not in done.out and steps["wrong"]["evidence"][0]["seen"] == "4: no"


@pytest.mark.long
@pytest.mark.parametrize(("name", "what"), [("max-sessions", "1"), ("throttle", "")])
def test_a_narrow_way_is_enough(finished: Finished, name: str, what: str) -> None:
    with faulty(finished.world, name, what):
        done = command(finished.world, "verify", "--format", "json")
    open_ = [step for step in done.document["steps"] if step["status"] not in ("holds", "left-out", "confirmed")]
    assert open_ == [] and done.status == 0


@pytest.mark.long
def test_one_missing_permission_hides_one_step(finished: Finished) -> None:
    with faulty(finished.world, "no-permission", "ec2:DescribeVolumes"):
        done = command(finished.world, "verify", "--only", "1", "--format", "json")
    unknown = {name for name, status in done.statuses.items() if status == "unknown"}
    assert unknown == {"instance"} or unknown < set(done.statuses), unknown
    assert all("ec2:DescribeVolumes" in step["detail"] for step in done.document["steps"] if step["id"] in unknown)
    assert done.status == 3 and "holds" in done.statuses.values()


@pytest.mark.long
def test_hosts_side_by_side_and_one_that_is_down(finished: Finished, tmp_path: Path) -> None:
    world = finished.world
    folder = probes(tmp_path, fine="true", wrong="exit 1")
    address, keys = _host(world)
    hosts = ("--host", address, "--host", NOWHERE, *(part for key in keys for part in ("--host-key", key)))
    done = command(world, "verify", folder, *hosts, "--format", "json")
    up, down = done.document["hosts"]
    assert (up["host"], down["host"]) == (address, NOWHERE)
    assert {step["id"]: step["status"] for step in up["steps"]} == {"fine": "holds", "wrong": "ready"}
    assert {step["status"] for step in down["steps"]} == {"unknown"}
    assert all(step["detail"] for step in down["steps"]) and done.status == 1
    plugin = command(world, "verify", folder, *hosts, "--only", "fine", "--format", "nagios")
    assert nagios(plugin.out, plugin.status).state == "UNKNOWN" and NOWHERE in plugin.out
    cases = command(world, "verify", folder, *hosts, "--format", "junit")
    junit(cases.out)


@pytest.mark.long
def test_a_host_that_nobody_vouched_for_is_not_asked(finished: Finished, tmp_path: Path) -> None:
    address, _ = _host(finished.world)
    folder = probes(tmp_path, fine="true")
    state = str(tmp_path / "state")
    done = command(finished.world, "--state", state, "verify", folder, "--host", address, "--format", "json")
    assert done.statuses == {"fine": "unknown"} and "--host-key SHA256:" in done.err


def _host(world: World) -> tuple[str, list[str]]:
    """The address of the host, and the fingerprints that the migration pinned."""
    [record] = (Path(world.env["IRIS_MIGRATE_STATE"]) / "migrations").glob("*.sqlite")
    import sqlite3

    with sqlite3.connect(record) as db:
        facts = {name: json.loads(value) for name, value in db.execute("SELECT name, value FROM facts ORDER BY rowid")}
    pinned = KnownHosts(Path(world.env["IRIS_MIGRATE_STATE"]) / "known_hosts").pinned(facts["host.instance"])
    return f"{facts['host.address']}:{settings(world)['ssh.port']}", [fingerprint(key) for key in pinned.values()]


@pytest.mark.long
def test_no_secret_stands_in_any_format(finished: Finished) -> None:
    for form in ("text", "json", "junit", "nagios", "tap"):
        done: Done = command(finished.world, "verify", "--only", "2", "--format", form)
        assert [name for name, value in finished.secrets.items() if value in (done.out + done.err).encode()] == []
