"""`verify` over a small checklist: formats, what was lost, waivers, what is stale, watching, the time limit."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from iris_migrate.engine.record import Record
from tests.cli.folder import PROGRAM, Folder
from tests.formats import json_lines, junit, nagios, tap

NASTY = "a | b #c \x1b[31mred\nsecond <line> & 'quoted' \\ %n"
DAY = 86400.0


@pytest.fixture
def mixed(folder: Folder) -> Folder:
    """Held and lost, holds, waived, waived until yesterday, never there, cannot be told."""
    for name, content in (("lost", "as it was"), ("holds", "1"), ("waived", "1"), ("overdue", "1"), ("never", "2")):
        folder.note(name, content)
    assert folder.run("migrate", "./small", "--auto").status == 0
    for name in ("lost", "waived", "overdue"):
        (folder.path / name).write_text(NASTY)
    (folder.path / "never").unlink()
    folder.step("waits", "host.command", {"run": "true"})
    folder.steps[-1]["with"] = {"run": "true"}
    folder.write()
    with record(folder) as opened:
        now = time.time()
        opened.waive(now - 9 * DAY, "small", "waived", "known | since #7", "ann@desk", now + DAY)
        opened.waive(now - 9 * DAY, "small", "overdue", "only this week", "bob@desk", now - DAY)
    return folder


@contextmanager
def record(folder: Folder) -> Iterator[Record]:
    [path] = (folder.path / "state" / "migrations").glob("*.sqlite")
    opened = Record(path)
    try:
        yield opened
    finally:
        opened.close()


def test_what_was_lost_comes_first_with_what_was_seen_then_and_now(mixed: Folder) -> None:
    done = mixed.run("verify", "./small")
    assert done.status == 1
    first = done.out.splitlines()[:4]
    assert first[0] == "Held before, does not hold now:"
    assert first[1].startswith("  · lost  held 20") and first[1].endswith(", does not hold now")
    assert "expected as it was, seen a | b #c red" in first[2]
    assert "; then as it was" in done.out and "\x1b" not in done.out
    assert "waits  unknown: the host's address is not known yet" in done.out


def test_json_tells_regressions_and_waivers(mixed: Folder) -> None:
    found = mixed.run("verify", "./small", "--format", "json").document
    lost = {item["id"]: item for item in found["regressions"]}
    assert set(lost) == {"lost", "overdue", "never"}
    assert lost["lost"]["then"][0]["seen"] == "as it was" and "red" in lost["lost"]["now"][0]["seen"]
    waivers = {item["id"]: item for item in found["waivers"]}
    assert waivers["waived"]["reason"] == "known | since #7" and not waivers["waived"]["expired"]
    assert waivers["overdue"]["expired"] and waivers["overdue"]["who"] == "bob@desk"
    assert {step["id"]: step["status"] for step in found["steps"]}["overdue"] == "ready"


def test_junit_is_valid_and_keeps_failures_and_errors_apart(mixed: Folder) -> None:
    done = mixed.run("verify", "./small", "--format", "junit")
    cases = junit(done.out)
    assert {name: tag for name, (tag, _) in cases.items()} == {
        "lost": "failure", "holds": "", "waived": "skipped", "overdue": "failure", "never": "failure", "waits": "error",
    }  # fmt: skip
    assert "known | since #7 (ann@desk, until 20" in cases["waived"][1]
    assert "only this week (bob@desk, RAN OUT 20" in cases["overdue"][1]
    assert done.status == 1


def test_nagios_is_one_line_with_the_plugins_own_code(mixed: Folder) -> None:
    done = mixed.run("verify", "./small", "--format", "nagios")
    told = nagios(done.out, done.status)
    assert told.state == "CRITICAL" and "waived: known / since #7 (ann@desk, until 20" in told.says
    assert told.figures["failed"] == 3 and told.figures["untold"] == 1 and told.figures["aside"] == 1
    unknown = mixed.run("verify", "./small", "--only", "waits", "--format", "nagios")
    assert nagios(unknown.out, unknown.status).state == "UNKNOWN"
    well = mixed.run("verify", "./small", "--only", "holds", "--format", "nagios")
    assert nagios(well.out, well.status).state == "OK"
    aside = mixed.run("verify", "./small", "--only", "waived", "--format", "nagios")
    assert nagios(aside.out, aside.status).state == "OK" and "ann@desk" in aside.out


def test_nagios_answers_with_its_line_when_nothing_can_be_loaded(folder: Folder) -> None:
    folder.step("wrong", "sandbox.nothing_of_this_name", {})
    done = folder.run("verify", "./small", "--format", "nagios")
    assert nagios(done.out, done.status).state == "UNKNOWN"
    typed = folder.run("verify", "./small", "--format", "nagios", "--bogus")
    assert nagios(typed.out, typed.status).state == "UNKNOWN" and "--bogus" in typed.err


def test_tap_marks_what_was_waived(mixed: Folder) -> None:
    points = tap(mixed.run("verify", "./small", "--format", "tap").out)
    assert [name for name, point in points.items() if point.ok] == ["holds"]
    assert points["waived"].directive == "TODO" and "ann@desk" in points["waived"].says
    assert points["lost"].data["evidence"][0]["then"] == "as it was"
    assert "RAN OUT" in points["overdue"].data["message"] and points["waits"].data["status"] == "unknown"


def test_a_waiver_counts_to_its_end_and_then_fails(folder: Folder) -> None:
    folder.note("one", "1", critical=False)
    assert folder.run("migrate", "./small", "--auto").status == 0
    (folder.path / "one").write_text("2")
    assert folder.run("verify", "./small").status == 0, "it is not critical"
    with record(folder) as opened:
        opened.waive(time.time(), "small", "one", "until then", "ann@desk", time.time() + DAY)
    waived = folder.run("verify", "./small")
    assert waived.status == 0 and "waived: until then (ann@desk, until 20" in waived.out
    with record(folder) as opened:
        opened.waive(time.time(), "small", "one", "until then", "ann@desk", time.time() - 1)
    ended = folder.run("verify", "./small")
    assert ended.status == 1 and "the waiver has run out: until then" in ended.out and "RAN OUT 20" in ended.out


def test_since_compares_with_a_time_or_with_the_last_look(folder: Folder) -> None:
    one = folder.note("one", "1")
    folder.run("verify", "./small")
    before = datetime.now().isoformat()
    folder.run("migrate", "./small", "--auto")
    one.write_text("2")
    lost = folder.run("verify", "./small", "--since", "run", "--format", "json").document["regressions"]
    assert [item["id"] for item in lost] == ["one"]
    then = folder.run("verify", "./small", "--since", before)
    assert f"Nothing was lost since {before[:10]}" in then.out, "it did not hold then"
    last = folder.run("verify", "./small", "--since", "last")
    assert "Nothing was lost since" in last.out, "the last look saw it lost already"
    assert folder.run("verify", "./small", "--since", "soon").status == 2


def test_what_was_confirmed_is_stale_when_what_it_stands_on_was_changed(folder: Folder) -> None:
    one = folder.note("one", "1")
    folder.step("done", "operator.confirms", {}, needs=["one"])
    folder.steps[-1]["with"] = {"question": "Is it published?"}
    folder.write()
    (folder.path / "answers.yaml").write_text("done: yes\n")
    assert folder.run("migrate", "./small", "--auto", "--answers", "answers.yaml").status == 0
    assert folder.run("verify", "./small", "--format", "json").statuses["done"] == "confirmed"
    one.write_text("2")
    assert folder.run("migrate", "./small", "--auto").status == 4, "what was confirmed is asked again"
    stale = folder.run("verify", "./small", "--format", "json")
    assert stale.status == 1 and stale.statuses == {"one": "holds", "done": "stale"}
    assert "one was changed since" in stale.document["steps"][1]["detail"]
    assert folder.run("migrate", "./small", "--auto", "--answers", "answers.yaml").status == 0
    assert folder.run("verify", "./small", "--format", "json").statuses["done"] == "confirmed"


def test_watching_tells_only_what_changes(folder: Folder) -> None:
    (one, _) = folder.note("one", "1"), folder.note("two", "2")
    folder.run("migrate", "./small", "--auto")
    process = subprocess.Popen(
        [*PROGRAM, "verify", "./small", "--watch", "0.1", "--format", "json"], cwd=folder.path, env=folder.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["summary"] == {"holds": 2}
    one.write_text("3")
    change = json.loads(process.stdout.readline())
    assert [(item["id"], item["was"], item["status"]) for item in change["changes"]] == [("one", "holds", "ready")]
    one.write_text("1")
    back = json.loads(process.stdout.readline())
    assert [(item["id"], item["was"], item["status"]) for item in back["changes"]] == [("one", "ready", "holds")]
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 130 and json_lines(rest) == []
    with record(folder) as opened:
        found = opened.last_held("small", "two")
        assert found is not None and found[0] <= first["steps"][1]["held"] + 60
    assert folder.run("verify", "./small", "--watch", "1", "--format", "tap").status == 2


def test_the_whole_has_a_time_limit(folder: Folder) -> None:
    folder.note("quick", "1")
    folder.step("slow", "sandbox.slow", {})
    done = folder.run("verify", "./small", "--timeout", "0.5", "--format", "json")
    assert done.statuses == {"quick": "ready", "slow": "unknown"}
    assert "not told within the" in done.document["steps"][1]["detail"]
    assert folder.run("verify", "./small", "--timeout", "-1").status == 2


def test_a_secret_that_is_not_here_leaves_one_step_unknown(folder: Folder) -> None:
    folder.settings["password"] = {
        "type": "str", "secret": True, "description": "A word.", "default": {"env": "THE_WORD"},
    }  # fmt: skip
    folder.note("one", "1").write_text("1")
    folder.step("two", "sandbox.compared", {"content": "2", "word": "{{ password }}"}).write_text("2")
    done = folder.run("verify", "./small", "--format", "json")
    assert done.status == 1 and done.statuses == {"one": "holds", "two": "unknown"}
    assert "THE_WORD" in done.document["steps"][1]["detail"]
    stopped = folder.run("migrate", "./small", "--auto")
    assert stopped.status == 4 and "THE_WORD" in stopped.err
    there = folder.run("verify", "./small", "--format", "json", THE_WORD="swordfish")
    assert there.status == 0 and "swordfish" not in there.out + there.err


def test_a_checklist_that_asks_no_host_takes_none(folder: Folder) -> None:
    folder.note("one", "1")
    done = folder.run("verify", "./small", "--host", "192.0.2.1")
    assert done.status == 2 and "small asks no host" in done.err


def test_a_failing_step_names_what_would_be_looked_at(folder: Folder) -> None:
    (folder.path / "troubleshooting.yaml").write_text(Path(__file__).with_name("troubles.yaml").read_text())
    folder.note("one", "1", troubleshoot=["torn"])
    assert "To see the disk: df -h" in folder.run("verify", "./small").out
    found = folder.run("verify", "./small", "--format", "json").document
    assert found["steps"][0]["hints"] == ["To see the disk: df -h"]
    assert "To see the disk" in folder.run("verify", "./small", "--format", "junit").out
