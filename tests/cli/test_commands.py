"""Exit codes, streams and words of the commands, over a small checklist."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from iris_migrate.cli import COMMANDS, EPILOG
from iris_migrate.exits import MEANINGS
from tests.cli.folder import PROGRAM, Folder

PHRASE = re.compile(r"--confirm '(destroy in this machine [0-9a-f]{8})'")


def test_help_lists_what_is_built_and_nothing_else(folder: Folder) -> None:
    shown = folder.run("--help").out
    listed = re.findall(r"^    ([a-z]+)  ", shown, re.MULTILINE)
    assert listed == list(COMMANDS)
    assert all(str(code) in EPILOG for code in MEANINGS)


def test_a_run_prints_its_result_and_tells_the_rest_beside_it(folder: Folder) -> None:
    folder.note("one", "1")
    done = folder.run("migrate", "./small", "--auto", "--format", "json")
    assert done.status == 0 and done.statuses == {"one": "holds"}
    assert "write " in done.err and "+1" in done.err, "the plan is told"
    again = folder.run("migrate", "./small", "--auto")
    assert again.status == 0 and "write " not in again.err


def test_the_json_document_has_the_shape_that_is_promised(folder: Folder) -> None:
    folder.note("one", "1")
    done = folder.run("verify", "./small", "--format", "json")
    assert done.status == 1
    assert set(done.document) == {"checklist", "digest", "summary", "regressions", "waivers", "steps"}
    (step,) = done.document["steps"]
    assert set(step) == {"id", "phase", "title", "status", "detail", "evidence", "seconds", "held", "hints"}
    assert step["status"] == "ready" and set(step["evidence"][0]) == {"asked", "expected", "seen", "verdict"}
    assert done.document["summary"] == {"ready": 1} and done.err == ""


def test_verify_says_what_held_before(folder: Folder) -> None:
    path = folder.note("one", "1")
    folder.run("migrate", "./small", "--auto")
    path.write_text("2")
    done = folder.run("verify", "./small")
    assert done.status == 1 and "Held before, does not hold now:" in done.out
    assert "expected 1, seen 2" in done.out


def test_only_some_steps_are_looked_at(folder: Folder) -> None:
    folder.note("one", "1", outputs=["word"])
    folder.note("two", "{{ steps.one.word }}")
    done = folder.run("verify", "./small", "--only", "two", "--format", "json")
    assert list(done.statuses) == ["two"]
    wrong = folder.run("verify", "./small", "--only", "three")
    assert wrong.status == 2 and "three: no step or phase of small has that name." in wrong.err


def test_plan_shows_what_would_be_done_and_does_nothing(folder: Folder) -> None:
    path = folder.note("one", "new\n", outputs=["word"])
    path.write_text("old\n")
    folder.note("two", "{{ steps.one.word }}")
    done = folder.run("plan", "./small")
    assert done.status == 1 and path.read_text() == "old\n"
    assert "-old" in done.out and "+new" in done.out
    assert "+‹one.word›" in done.out and "(after one)" in done.out, "what is not known yet stands in place"
    document = json.loads(folder.run("plan", "./small", "--step", "one", "--format", "json").out)
    (step,) = document["steps"]
    assert step["changes"][0]["kind"] == "edit" and step["changes"][0]["data"]["content"] == "new\n"


def test_a_failure_leaves_with_1_and_its_lines(folder: Folder) -> None:
    folder.step("task", "sandbox.task", {"argv": ["sh", "-c", "echo because; false"]})
    done = folder.run("migrate", "./small", "--auto")
    assert done.status == 1 and "| because" in done.err and "ended with status 1" in done.err


def test_the_operator_is_waited_for_or_answered_by_a_file(folder: Folder) -> None:
    folder.step("deed", "sandbox.deed", {}, timeout="100ms", retry_every="50ms")
    done = folder.run("migrate", "./small", "--auto")
    assert done.status == 4 and "--answers FILE" in done.err
    (folder.path / "answers.yaml").write_text("deed: yes\n")
    done = folder.run("migrate", "./small", "--auto", "--answers", "answers.yaml", "--format", "json")
    assert done.status == 0 and done.document["steps"][0]["detail"] == "by answers file"
    assert done.statuses == {"deed": "confirmed"}


@pytest.mark.parametrize("text", ["- a list", "deed: [1]", "deed: 'open", None])
def test_wrong_answers_are_refused_before_anything(folder: Folder, text: str | None) -> None:
    path = folder.note("one", "1")
    if text is not None:
        (folder.path / "answers.yaml").write_text(text)
    done = folder.run("migrate", "./small", "--auto", "--answers", "answers.yaml")
    assert done.status == 2 and "answers.yaml" in done.err and not path.exists()


def test_what_destroys_wants_the_phrase_of_exactly_this_plan(folder: Folder) -> None:
    path = folder.note("precious", "", risk="destroys")
    path.write_text("precious")
    refused = folder.run("migrate", "./small", "--auto")
    assert refused.status == 4 and path.read_text() == "precious"
    phrase = PHRASE.search(refused.err)[1]  # type: ignore[index]
    path.write_text("precious and more")
    other = folder.run("migrate", "./small", "--auto", "--confirm", phrase)
    assert other.status == 4 and path.read_text() == "precious and more", "another plan has another phrase"
    phrase = PHRASE.search(other.err)[1]  # type: ignore[index]
    assert folder.run("migrate", "./small", "--auto", "--confirm", phrase).status == 0
    assert path.read_text() == ""


def test_a_missing_secret_stops_it_and_says_where_it_is_looked_for(folder: Folder) -> None:
    secret = {"type": "str", "secret": True, "description": "A word.", "default": {"env": "THE_WORD"}}
    folder.settings["password"] = secret
    path = folder.step("vault", "sandbox.vault", {"content": "it is {{ password }} inside"})
    done = folder.run("migrate", "./small", "--auto")
    assert done.status == 4 and "THE_WORD" in done.err and not path.exists()
    done = folder.run("migrate", "./small", "--auto", THE_WORD="swordfish")
    assert done.status == 0 and "swordfish" not in done.err + done.out


WRONG = [
    (["verify", "nowhere"], 2, "nowhere"),
    (["--set", "app", "verify", "./small"], 2, "expected NAME=VALUE"),
    (["--set", "unknown=1", "verify", "./small"], 2, "unknown"),
    (["--settings", "none.yaml", "verify", "./small"], 2, "none.yaml"),
    (["verify", "./small", "--format", "html"], 2, "html"),
    (["rehearse", "--fault", "flood"], 2, "There are: throttle"),
    (["status", "./small"], 2, "There is no record"),
    (["logs", "./small", "--since", "yesterday"], 2, "expected an age like 10m"),
    (["adopt"], 2, "required: --host"),
    (["decommission", "--execute"], 2, "needs --confirm"),
    (["checklist"], 2, "ACTION"),
    (["verify", "lambda-to-ec2"], 3, "aws configure"),
]


@pytest.mark.parametrize(("arguments", "status", "words"), WRONG, ids=[" ".join(item[0]) for item in WRONG])
def test_an_error_is_a_sentence_with_its_code(folder: Folder, arguments: list[str], status: int, words: str) -> None:
    folder.note("one", "1")
    done = folder.run(*arguments, AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE="/none")
    assert done.status == status and words in done.err and done.out == ""
    assert "Traceback" not in done.err and "unexpected" not in done.err


def test_a_broken_checklist_names_file_line_and_what_was_expected(folder: Folder) -> None:
    folder.note("one", "1", bogus=1)
    done = folder.run("verify", "./small")
    assert done.status == 2 and re.search(r"small/all\.yaml:[0-9]+: .*bogus", done.err)


def test_a_state_folder_that_cannot_be_written_is_said(folder: Folder) -> None:
    folder.note("one", "1")
    (folder.path / "file").write_text("")
    done = folder.run("--state", "file", "verify", "./small")
    assert done.status == 3 and "file" in done.err and "Traceback" not in done.err


def test_a_damaged_record_is_said(folder: Folder) -> None:
    folder.note("one", "1")
    folder.run("migrate", "./small", "--auto")
    (record,) = (folder.path / "state" / "migrations").glob("*.sqlite")
    record.write_bytes(b"no database at all" * 100)
    for left in record.parent.glob("*.sqlite-*"):
        left.unlink()
    done = folder.run("verify", "./small")
    assert done.status == 2 and "The record cannot be used" in done.err


def test_a_traceback_is_shown_to_those_who_ask_for_it(folder: Folder) -> None:
    folder.note("one", "1")
    assert "Traceback" in folder.run("verify", "nowhere", IRIS_MIGRATE_DEBUG="1").err


def test_settings_before_and_behind_the_command_count(folder: Folder) -> None:
    folder.settings["word"] = {"type": "str", "default": "none", "description": "A word."}
    folder.note("one", "{{ app }} {{ word }}")
    done = folder.run("--set", "app=other", "plan", "./small", "--set", "word=given")
    assert "+other given" in done.out


def test_another_run_of_the_same_migration_is_refused_with_3(folder: Folder) -> None:
    folder.note("one", "1")
    folder.step("slow", "sandbox.task", {"argv": ["sh", "-c", f"touch {folder.path}/began; sleep 60"]})
    first = subprocess.Popen(
        [*PROGRAM, "migrate", "./small", "--auto"], cwd=folder.path, env=folder.environment, stderr=subprocess.PIPE
    )
    try:
        _until(first, b"run the task")
        second = folder.run("migrate", "./small", "--auto")
        assert second.status == 3 and "is working on this migration" in second.err
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 130
    finally:
        first.kill()
        first.wait()
    assert _ends(folder) == {1: "interrupted", 2: "failed"}
    shown = folder.run("status", "./small")
    assert "Interrupted: slow: run the task." in shown.out


def _until(process: subprocess.Popen[bytes], words: bytes) -> None:
    """Read its standard error until these words stand there."""
    said = b""
    assert process.stderr is not None
    while words not in said.split(b"\xe2\x96\xb6")[-1]:  # behind the last ▶: it is sent
        data = os.read(process.stderr.fileno(), 4096)
        assert data, said
        said += data


def _ends(folder: Folder) -> dict[int, str]:
    (record,) = (folder.path / "state" / "migrations").glob("*.sqlite")
    with sqlite3.connect(record) as database:
        return dict(database.execute("SELECT run, how FROM run_ends"))


def test_the_report_shows_text_of_the_world_as_text(folder: Folder) -> None:
    folder.note("one", "<script>alert(1)</script> | *x*")
    folder.run("migrate", "./small", "--auto")
    done = folder.run("report", "./small")
    assert done.status == 0 and "\\<script\\>" in done.out and "<script>" not in done.out
    assert "## Changes" in done.out and "| done |" in done.out and "## Settings" in done.out


def test_a_reader_that_goes_away_is_no_error(folder: Folder) -> None:
    done = subprocess.run(
        f"{' '.join(PROGRAM)} checklist runbook lambda-to-ec2 | head -n 1", shell=True, cwd=folder.path,
        env=folder.environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith("# ") and done.stderr == ""


def test_a_poor_terminal_gets_letters(folder: Folder) -> None:
    folder.note("one", "1")
    done = folder.run("verify", "./small", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.status == 1 and done.out.isascii() and ". one  does not hold" in done.out


@pytest.mark.parametrize("name", ["lambda-to-ec2", "monitoring"])
def test_the_shipped_checklists_can_be_read_in_every_way(folder: Folder, name: str) -> None:
    for action in ("lint", "show", "runbook", *(["coverage"] if name == "lambda-to-ec2" else [])):
        done = folder.run("checklist", action, name)
        assert done.status == 0 and done.out, (action, done.err)
    assert "No such" not in folder.run("checklist", "schema").err


def test_the_policy_is_one_that_aws_reads(folder: Folder) -> None:
    policy = json.loads(folder.run("permissions").out)
    assert policy["Version"] == "2012-10-17"
    actions = {action: statement for statement in policy["Statement"] for action in statement["Action"]}
    assert actions["ec2:RunInstances"]["Condition"] == {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    assert actions["ec2:TerminateInstances"]["Condition"] == {"StringEquals": {"aws:ResourceTag/app": "iris-migrate"}}
    assert len(policy["Statement"]) == len({statement["Sid"] for statement in policy["Statement"]})
    assert Path(folder.path / "state").exists() is False, "nothing was opened for it"
