"""The numbered frontend at a real pseudo-terminal."""

from __future__ import annotations

import re
import signal
import sqlite3

import pytest

from tests.cli.folder import PROGRAM, Folder
from tests.cli.sitting import Sitting


def sitting(folder: Folder, *arguments: str, **variables: str) -> Sitting:
    return Sitting([*PROGRAM, "migrate", "./small", *arguments], env=folder.environment | variables, cwd=folder.path)


def test_a_plan_is_shown_and_applied_when_it_is_agreed_to(folder: Folder) -> None:
    path = folder.note("greeting", "hello\nworld\n", why="Because one greets.")
    with sitting(folder) as person:
        person.expect("1 All of it  0 of 1")
        person.choose("start")
        person.expect("Step greeting: About greeting")
        before = person.expect("Choose")
        assert "Because one greets." in before and "+hello" in before and "+world" in before
        assert not path.exists(), "nothing is done before it is agreed to"
        person.expect(":")
        person.type("1")
        assert person.end() == 0
        assert "1 of 1 settled" in person.shown
    assert path.read_text() == "hello\nworld\n"


def test_what_is_skipped_stays_and_what_needs_it_waits(folder: Folder) -> None:
    first = folder.note("first", "hello there", outputs=["word"])
    second = folder.note("second", "saw {{ steps.first.word }}")
    with sitting(folder) as person:
        person.choose("start")
        person.choose("skip")
        assert person.end() == 1
        assert "second  waiting: for first" in person.shown
    assert not first.exists() and not second.exists()


def test_a_waiver_has_a_reason_and_is_kept(folder: Folder) -> None:
    folder.note("old", "never")
    with sitting(folder) as person:
        person.choose("start")
        person.choose("waive")
        person.expect("go back:")
        person.type("not needed here")
        person.expect("without end.")
        person.type("")
        assert person.end() == 0
    again = folder.run("verify", "./small", "--format", "json")
    assert again.status == 0 and again.statuses == {"old": "waived"}
    assert again.document["steps"][0]["detail"] == "not needed here"


def test_a_failure_shows_its_lines_and_can_be_tried_again(folder: Folder) -> None:
    made = folder.path / "made"
    script = f"echo the reason is plain; test -e {folder.path}/mended && touch {made}"
    folder.step("made", "sandbox.task", {"argv": ["sh", "-c", script]})
    with sitting(folder) as person:
        person.choose("start")
        person.choose("apply")
        panel = person.expect("retry")
        assert "✗ made" in panel and "| the reason is plain" in panel
        assert f"{made}: expected True, seen False" in panel
        (folder.path / "mended").touch()
        person.expect(":")
        person.type("1")
        person.choose("apply")
        assert person.end() == 0
    assert made.exists()


def test_undo_puts_back_what_stood_there(folder: Folder) -> None:
    """A note that the world will not keep fails, and what was there before is put back on request."""
    path = folder.note("kept", "new")
    path.write_text("old")
    folder.step("task", "sandbox.task", {"argv": ["false"]}, needs=["kept"])
    with sitting(folder) as person:
        person.choose("start")
        person.choose("apply")
        person.choose("apply")
        person.expect("✗ task")
        person.choose("undo what the step changed")
        person.expect("nothing was changed by this step")
        person.choose("stop")
        assert person.end() == 1
    assert path.read_text() == "new"


def test_what_destroys_wants_its_phrase(folder: Folder) -> None:
    path = folder.note("precious", "", risk="destroys")
    path.write_text("precious")
    with sitting(folder) as person:
        person.choose("start")
        person.expect("type exactly: ")
        phrase = person.expect("\n")
        person.expect("leave it:")
        person.type("yes")
        person.expect("That is not the phrase.")
        assert person.end() == 1
    assert path.read_text() == "precious" and re.fullmatch(r"destroy in this machine [0-9a-f]{8}", phrase)
    with sitting(folder) as person:
        person.choose("continue the run of")
        person.expect("leave it:")
        person.type(phrase)
        assert person.end() == 0
    assert path.read_text() == ""


def test_what_was_typed_ahead_agrees_to_nothing_that_costs(folder: Folder) -> None:
    path = folder.note("dear", "gold", risk="costs")
    with sitting(folder) as person:
        person.expect("Choose")
        person.expect(":")
        person.type("1\n1\n1")  # the first starts; the others were typed before the plan was seen
        person.expect("Risk: It costs money.")
        person.expect("Choose")
        person.expect(":")
        assert not path.exists()
        person.type("6")
        assert person.end() == 4
    assert not path.exists()


def test_the_operator_answers_or_the_world_shows_it(folder: Folder) -> None:
    path = folder.step("deed", "sandbox.deed", {}, retry_every="50ms")
    with sitting(folder) as person:
        person.choose("start")
        person.expect(f"Is {path} there?")
        person.choose("wait until it is seen")
        person.expect("It is looked for.")
        path.touch()
        assert person.end() == 0
    with_answer = Folder(_fresh(folder))
    with_answer.step("deed", "sandbox.deed", {})
    with sitting(with_answer) as person:
        person.choose("start")
        person.choose("yes")
        assert person.end() == 0
    found = with_answer.run("verify", "./small", "--format", "json")
    assert found.statuses == {"deed": "confirmed"}


def _fresh(folder: Folder):  # type: ignore[no-untyped-def]
    path = folder.path / "another"
    path.mkdir()
    return path


def test_a_secret_is_asked_for_and_not_shown(folder: Folder) -> None:
    folder.settings["password"] = {"type": "str", "secret": True, "description": "The word that opens it."}
    path = folder.step("vault", "sandbox.vault", {"content": "it is {{ password }} inside"})
    with sitting(folder) as person:
        person.choose("start")
        person.choose("apply")
        person.expect("stop):")
        person.type("open-sesame")
        assert person.end() == 0
        assert "open-sesame" not in person.shown
    assert path.read_text() == "it is open-sesame inside"
    records = list((folder.path / "state" / "migrations").glob("*.sqlite*"))
    assert records and not any(b"open-sesame" in record.read_bytes() for record in records)


def test_a_run_is_continued_where_it_was_left(folder: Folder) -> None:
    folder.note("one", "1")
    folder.note("two", "2")
    with sitting(folder) as person:
        person.choose("start")
        person.choose("apply")
        person.expect("Step two")
        person.choose("stop")
        assert person.end() == 4
    with sitting(folder) as person:
        person.expect("ended: stopped")
        person.expect("1 of 2 settled")
        person.expect("continue the run of")
        person.expect("Choose")
        person.expect(":")
        person.type("1")
        person.expect("Step two")
        person.choose("apply")
        assert person.end() == 0
        assert "Step one" not in person.shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order_and_the_record_says_so(folder: Folder, number: signal.Signals) -> None:
    folder.note("one", "1")
    with sitting(folder) as person:
        person.choose("start")
        person.expect("Step one")
        person.expect("Choose")
        person.signal(number)
        assert person.end() == 130
        assert "Interrupted. Start again to go on where it was." in person.shown
        assert "Traceback" not in person.shown
    assert _ends(folder) == ["interrupted"]


def _ends(folder: Folder) -> list[str]:
    (record,) = (folder.path / "state" / "migrations").glob("*.sqlite")
    with sqlite3.connect(record) as database:
        return [how for (how,) in database.execute("SELECT how FROM run_ends ORDER BY run")]


def test_nothing_is_asked_of_a_pipe(folder: Folder) -> None:
    path = folder.note("one", "1")
    done = folder.run("migrate", "./small")
    assert done.status == 4 and "Nobody can answer here" in done.out and not path.exists()
    assert folder.run("migrate", "./small", "--auto").status == 0
    assert folder.run("migrate", "./small").status == 0, "when all holds nobody is needed"


def test_no_control_character_reaches_the_terminal(folder: Folder) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202egnp"
    folder.step("task", "sandbox.task", {"argv": ["printf", f"said {evil}\\n"]})
    with sitting(folder) as person:
        person.choose("start")
        person.choose("apply")
        person.expect("✗ task")
        person.choose("stop")
        person.end()
        assert "said" in person.shown
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", person.shown.replace("\r", ""))
