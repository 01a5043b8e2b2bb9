"""The record: append-only, and every question the engine asks of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from iris_migrate.changes import HostCommand
from iris_migrate.encoding import change_id
from iris_migrate.engine.record import Record, RecordError, Result
from iris_migrate.findings import Finding, Verdict, judge
from iris_migrate.values import StepKey

CHANGE = HostCommand(says="do it", argv=("true",))
BEFORE = Finding(Verdict.ABSENT, (judge("file", "there", "absent"),), {"a": 1}, {"was": None})


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "migrations" / "m.sqlite")


def test_only_the_owner_can_read_it(record: Record) -> None:
    assert record.path.stat().st_mode & 0o777 == 0o600
    assert record.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("statement", ["DELETE FROM facts", "UPDATE facts SET value='2'"])
def test_rows_are_never_changed(record: Record, statement: str) -> None:
    record.set_fact(1.0, "app", "iris")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        sqlite3.connect(record.path).execute(statement)


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    Record(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(RecordError, match="another version"):
        Record(path)


def test_an_intent_without_a_result_is_open_until_its_result_is_written(record: Record) -> None:
    key = StepKey("m", "s")
    name = change_id(key, record.results(key), CHANGE)
    record.intend(1.0, None, name, key, CHANGE, BEFORE)
    [intent] = record.open_intents()
    assert (intent.change, intent.before, intent.step) == (CHANGE, BEFORE, "s")
    record.end(2.0, name, Result("done", {"a": [1]}))
    assert record.open_intents() == []
    assert record.result(name) == Result("done", {"a": [1]})
    assert [done.change_id for done in record.newest_changes("c", "s")] == [name]


def test_the_same_intent_after_a_crash_is_one_row_and_a_retry_is_another(record: Record) -> None:
    key = StepKey("m", "s")
    first = change_id(key, record.results(key), CHANGE)
    for _ in range(2):
        record.intend(1.0, None, first, key, CHANGE, BEFORE)
    assert len(record.open_intents()) == 1
    record.end(2.0, first, Result("failed", {}))
    assert change_id(key, record.results(key), CHANGE) != first


def test_the_generation_grows_once_when_what_held_is_gone(record: Record) -> None:
    holds, absent = Finding(Verdict.HOLDS), Finding(Verdict.ABSENT)
    assert not record.note_gone(1.0, "s", "c", absent)  # never held: nothing is gone
    record.add_finding(2.0, 1, "c", "s", holds, 0.1)
    assert record.note_gone(3.0, "s", "c", absent)
    assert not record.note_gone(4.0, "s", "c", absent)  # still the same loss
    assert record.key("m", "s").generation == 1
    record.add_finding(5.0, 1, "c", "s", holds, 0.1)
    assert record.note_gone(6.0, "s", "c", absent)
    assert record.key("m", "s").generation == 2


def test_a_run_that_did_not_end_is_interrupted(record: Record) -> None:
    run = record.start_run(1.0, "c", "d", {"s": "1"}, "me")
    assert record.last_run("c") == (run, 1.0, {"s": "1"}, "interrupted")
    record.end_run(2.0, run, "done")
    assert record.last_run("c") == (run, 1.0, {"s": "1"}, "done")


def test_an_empty_reason_takes_a_waiver_back(record: Record) -> None:
    record.waive(1.0, "c", "s", "later", "me", None)
    waiver = record.waiver("c", "s")
    assert waiver is not None and waiver.reason == "later"
    assert record.waiver("other", "s") is None, "a step of the same name in another checklist is another step"
    record.waive(2.0, "c", "s", "", "me", None)
    assert record.waiver("c", "s") is None


def test_a_record_of_the_format_before_is_read_and_its_waivers_have_to_be_given_again(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    Record(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.executescript("ALTER TABLE waivers DROP COLUMN checklist; PRAGMA user_version=1;")
        db.execute("INSERT INTO waivers VALUES (1.0, 's', 'later', 'me', NULL)")
        db.commit()
    opened = Record(path)
    assert opened.waiver("c", "s") is None
    opened.waive(2.0, "c", "s", "again", "me", None)
    assert opened.waiver("c", "s") is not None
    opened.close()
    Record(path).close()


def test_last_held_is_the_newest_that_held(record: Record) -> None:
    record.add_finding(1.0, None, "c", "s", Finding(Verdict.HOLDS), 0.1)
    record.add_finding(2.0, None, "c", "s", BEFORE, 0.1)
    held, last = record.last_held("c", "s"), record.last_finding("c", "s")
    assert held is not None and held[0] == 1.0
    assert last == (2.0, BEFORE)


def test_two_checklists_may_call_their_steps_alike(record: Record) -> None:
    key, changes = StepKey("m", "routes"), {}
    for checklist in ("down", "back"):
        run = record.start_run(1.0, checklist, "digest", {}, "tester")
        changes[checklist] = change_id(key, record.results(key), CHANGE)
        record.intend(1.0, run, changes[checklist], key, CHANGE, BEFORE)
        record.end(2.0, changes[checklist], Result("done", {}))
    for checklist, change in changes.items():
        assert [done.change_id for done in record.newest_changes(checklist, "routes")] == [change]
        assert len(record.cut_off(checklist, "routes", 0.0)) == 1
    assert record.cut_off("another", "routes", 0.0) == {}
