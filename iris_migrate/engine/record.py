"""The record of a migration: append-only SQLite, one file; every intent is here before it is carried out."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_migrate.changes import Change
from iris_migrate.encoding import canonical, decode, decode_finding
from iris_migrate.findings import Finding, Verdict
from iris_migrate.values import StepKey

VERSION = 2
# From the format before: what was waived then names no checklist, so that it has to be waived again.
_FROM_1 = "ALTER TABLE waivers ADD COLUMN checklist TEXT NOT NULL DEFAULT ''"
_TABLES = """
CREATE TABLE facts (at REAL NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL);
CREATE TABLE runs (run INTEGER PRIMARY KEY, at REAL NOT NULL, checklist TEXT NOT NULL, digest TEXT NOT NULL,
                   steps TEXT NOT NULL, by TEXT NOT NULL);
CREATE TABLE run_ends (run INTEGER PRIMARY KEY REFERENCES runs, at REAL NOT NULL, how TEXT NOT NULL);
CREATE TABLE findings (at REAL NOT NULL, run INTEGER, checklist TEXT NOT NULL, step TEXT NOT NULL,
                       verdict TEXT NOT NULL, finding TEXT NOT NULL, seconds REAL NOT NULL);
CREATE INDEX findings_of_step ON findings (checklist, step, at);
CREATE TABLE statuses (at REAL NOT NULL, run INTEGER, step TEXT NOT NULL, status TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE intents (change TEXT PRIMARY KEY, at REAL NOT NULL, run INTEGER, step TEXT NOT NULL,
                      generation INTEGER NOT NULL, data TEXT NOT NULL, before TEXT NOT NULL);
CREATE TABLE results (change TEXT PRIMARY KEY REFERENCES intents, at REAL NOT NULL, state TEXT NOT NULL,
                      answers TEXT NOT NULL, kept TEXT NOT NULL, error TEXT NOT NULL, lines TEXT NOT NULL);
CREATE TABLE generations (at REAL NOT NULL, step TEXT NOT NULL, generation INTEGER NOT NULL, why TEXT NOT NULL);
CREATE TABLE waivers (at REAL NOT NULL, step TEXT NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL, until REAL,
                      checklist TEXT NOT NULL);
CREATE TABLE answers (at REAL NOT NULL, step TEXT NOT NULL, answer TEXT NOT NULL, by TEXT NOT NULL);
CREATE TABLE journal (at REAL NOT NULL, run INTEGER, step TEXT NOT NULL, unit TEXT NOT NULL, lines TEXT NOT NULL);
"""


class RecordError(Exception):
    """The record cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A Change that was about to be sent. `before` is what was found directly before."""

    change_id: str
    at: float
    step: str
    generation: int
    change: Change
    before: Finding


@dataclass(frozen=True, slots=True)
class Result:
    state: str
    answers: Mapping[str, Any]
    kept: str = ""  # what stood there before: "" | "record:<text>" | "host"
    error: str = ""
    lines: tuple[str, ...] = ()
    missing: bool = False  # of this process only: a connection or a permission is what it failed for


@dataclass(frozen=True, slots=True)
class Waiver:
    step: str
    at: float
    reason: str
    who: str
    until: float | None


class Record:
    """One migration's memory. Rows are added, never changed: the database itself refuses anything else."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = not path.exists()
        if new:
            path.touch(mode=0o600)
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")  # an intent must outlive a power cut
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._create()
        elif version == 1:
            self._db.executescript(f"BEGIN;{_FROM_1};PRAGMA user_version={VERSION};COMMIT;")
        elif version != VERSION:
            raise RecordError(
                f"{path} was written by another version of iris-migrate (format {version}, this one reads {VERSION})."
                " Use that version, or start a new migration with another --state folder."
            )

    def _create(self) -> None:
        names = [line.split()[2] for line in _TABLES.splitlines() if line.startswith("CREATE TABLE")]
        guards = "".join(
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;\n"
            for table in names
            for verb in ("UPDATE", "DELETE")
        )
        self._db.executescript(f"BEGIN;{_TABLES}{guards}PRAGMA user_version={VERSION};COMMIT;")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for many rows: one wait for the disk."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # What the migration is

    def fact(self, name: str) -> Any:
        """The newest value of a fact about the migration, or None."""
        row = self._one("SELECT value FROM facts WHERE name=? ORDER BY rowid DESC LIMIT 1", name)
        return None if row is None else json.loads(row[0])

    def set_fact(self, at: float, name: str, value: Any) -> None:
        if self.fact(name) != value:
            self._add("facts", at, name, json.dumps(value))

    # Runs

    def start_run(self, at: float, checklist: str, digest: str, steps: Mapping[str, str], by: str) -> int:
        """Begin a run; `steps` maps each step to the digest of what was loaded. Answers the run's number."""
        self._db.execute(
            "INSERT INTO runs (at, checklist, digest, steps, by) VALUES (?,?,?,?,?)",
            (at, checklist, digest, json.dumps(steps), by),
        )
        return int(self._db.execute("SELECT max(run) FROM runs").fetchone()[0])

    def end_run(self, at: float, run: int, how: str) -> None:
        self._add("run_ends", run, at, how)

    def last_run(self, checklist: str) -> tuple[int, float, dict[str, str], str] | None:
        """Number, start, step digests and end of the newest run; the end of a run that crashed is "interrupted"."""
        row = self._one(
            "SELECT run, runs.at, steps, how FROM runs LEFT JOIN run_ends USING (run)"
            " WHERE checklist=? ORDER BY run DESC LIMIT 1",
            checklist,
        )
        return None if row is None else (row[0], row[1], json.loads(row[2]), row[3] or "interrupted")

    def last_run_end(self, checklist: str) -> float | None:
        """When the newest run that came to an end did."""
        row = self._one("SELECT max(run_ends.at) FROM run_ends JOIN runs USING (run) WHERE checklist=?", checklist)
        return None if row is None else row[0]

    # Findings

    def add_finding(self, at: float, run: int | None, checklist: str, step: str, finding: Finding, took: float) -> None:
        self._add("findings", at, run, checklist, step, finding.verdict.value, canonical(finding), took)

    def last_finding(self, checklist: str, step: str) -> tuple[float, Finding] | None:
        return self._finding("checklist=? AND step=?", checklist, step)

    def last_held(self, checklist: str, step: str) -> tuple[float, Finding] | None:
        """When the step was last seen to hold."""
        return self._finding("checklist=? AND step=? AND verdict='holds'", checklist, step)

    def finding_at(self, checklist: str, step: str, at: float) -> tuple[float, Finding] | None:
        """What had been found last at a time."""
        return self._finding("checklist=? AND step=? AND at<=?", checklist, step, at)

    def last_look(self, checklist: str) -> float | None:
        """When anything of a checklist was last looked at."""
        row = self._one("SELECT max(at) FROM findings WHERE checklist=?", checklist)
        return None if row is None else row[0]

    def last_change(self, steps: Sequence[str]) -> tuple[str, float] | None:
        """Which of these steps was changed last, and when."""
        marks = ",".join("?" * len(steps))
        row = self._one(
            "SELECT step, results.at FROM results JOIN intents USING (change)"
            f" WHERE state IN ('done', 'found') AND step IN ({marks}) ORDER BY results.at DESC LIMIT 1",
            *steps,
        )
        return None if row is None else (row[0], row[1])

    def _finding(self, where: str, *values: Any) -> tuple[float, Finding] | None:
        row = self._one(f"SELECT at, finding FROM findings WHERE {where} ORDER BY rowid DESC LIMIT 1", *values)
        return None if row is None else (row[0], decode_finding(json.loads(row[1])))

    def key(self, migration: str, step: str) -> StepKey:
        row = self._one("SELECT max(generation) FROM generations WHERE step=?", step)
        return StepKey(migration, step, (row[0] if row else None) or 0)

    def note_gone(self, at: float, step: str, checklist: str, finding: Finding) -> bool:
        """Let the generation grow when what the step had made was seen gone; True when it grew."""
        if finding.verdict is not Verdict.ABSENT:
            return False
        held = self.last_held(checklist, step)
        grown = self._one("SELECT at, generation FROM generations WHERE step=? ORDER BY rowid DESC LIMIT 1", step)
        if held is None or (grown is not None and grown[0] >= held[0]):
            return False
        self._add("generations", at, step, (grown[1] if grown else 0) + 1, f"held at {held[0]:.0f}, absent now")
        return True

    # Statuses, waivers, answers

    def add_status(self, at: float, run: int | None, step: str, status: str, detail: str) -> None:
        self._add("statuses", at, run, step, status, detail)

    def running_at(self, at: float) -> tuple[str, float | None] | None:
        """The step that was worked on at a time, or last before it; and when that work ended (None: not by then)."""
        begun = self._one(
            "SELECT rowid, step FROM statuses WHERE status='running' AND at<=? ORDER BY rowid DESC LIMIT 1", at
        )
        if begun is None:
            return None
        ended = self._one("SELECT at FROM statuses WHERE step=? AND rowid>? ORDER BY rowid LIMIT 1", begun[1], begun[0])
        return begun[1], ended[0] if ended is not None and ended[0] < at else None

    def statuses(self, run: int) -> dict[str, tuple[str, str]]:
        """The last status of each step in a run."""
        rows = self._db.execute("SELECT step, status, detail FROM statuses WHERE run=? ORDER BY rowid", (run,))
        return {step: (status, detail) for step, status, detail in rows}

    def waive(self, at: float, checklist: str, step: str, reason: str, who: str, until: float | None) -> None:
        self._add("waivers", at, step, reason, who, until, checklist)

    def waiver(self, checklist: str, step: str) -> Waiver | None:
        """The newest waiver of a step of a checklist; an empty reason takes an earlier one back."""
        row = self._one(
            "SELECT step, at, reason, who, until FROM waivers WHERE checklist=? AND step=? ORDER BY rowid DESC LIMIT 1",
            checklist, step,
        )  # fmt: skip
        return Waiver(*row) if row is not None and row[2] else None

    def add_answer(self, at: float, step: str, answer: str, by: str) -> None:
        self._add("answers", at, step, answer, by)

    def answer(self, step: str) -> tuple[str, str, float] | None:
        """Answer, by whom, when."""
        row = self._one("SELECT answer, by, at FROM answers WHERE step=? ORDER BY rowid DESC LIMIT 1", step)
        return None if row is None else (row[0], row[1], row[2])

    # Changes

    def results(self, key: StepKey) -> int:
        """How many results the step has in this generation: part of the next Change's id."""
        row = self._one(
            "SELECT count(*) FROM results JOIN intents USING (change) WHERE step=? AND generation=?",
            key.step, key.generation,
        )  # fmt: skip
        return int(row[0]) if row else 0

    def intend(self, at: float, run: int | None, change_id: str, key: StepKey, change: Change, before: Finding) -> None:
        """Write down what is about to be sent. The same intent again (after a crash) is the same row."""
        self._db.execute(
            "INSERT OR IGNORE INTO intents VALUES (?,?,?,?,?,?,?)",
            (change_id, at, run, key.step, key.generation, canonical(change), canonical(before)),
        )

    def end(self, at: float, change_id: str, result: Result) -> None:
        self._add(
            "results", change_id, at, result.state, json.dumps(dict(result.answers)), result.kept, result.error,
            json.dumps(result.lines),
        )  # fmt: skip

    def open_intents(self) -> list[Intent]:
        """Changes that were about to be sent and have no result: the program ended in between."""
        return list(self._intents("results.change IS NULL"))

    def newest_changes(self, checklist: str, step: str) -> list[Intent]:
        """The changes that last brought a step from where it did not hold, oldest first: what an undo starts from.

        Those before it last held are another story: a deploy that failed goes back to the commit before it, not to
        the empty folder of the first day.
        """
        where = (  # two checklists may call their steps alike
            "results.state IN ('done', 'found') AND step=?"
            " AND (run IS NULL OR run IN (SELECT run FROM runs WHERE checklist=?))"
        )
        done = list(self._intents(where, step, checklist))
        for place in range(len(done) - 1, 0, -1):
            if self._held_between(checklist, step, done[place - 1].at, done[place].at):
                return done[place:]
        return done

    def _held_between(self, checklist: str, step: str, start: float, end: float) -> bool:
        return bool(
            self._one(
                "SELECT 1 FROM findings WHERE checklist=? AND step=? AND verdict='holds' AND at>? AND at<? LIMIT 1",
                checklist, step, start, end,
            )
        )  # fmt: skip

    def cut_off(self, checklist: str, step: str, since: float) -> dict[str, Result]:
        """What runs that were cut off had carried out for a step since it last held, by canonical Change.

        Lists that were cut off in the middle go on from there: an experiment is not made twice for its last line.
        `since` is the time (seconds since the epoch) before which nothing counts.
        """
        rows = self._db.execute(
            "SELECT data, state, answers FROM intents JOIN results USING (change)"
            " WHERE step=?1 AND state IN ('done', 'found') AND results.at > ?2"
            " AND run IN (SELECT run FROM runs WHERE checklist=?3)"
            " AND run > (SELECT coalesce(max(run), 0) FROM run_ends WHERE how <> 'interrupted')"
            " AND results.at > (SELECT coalesce(max(at), 0) FROM findings"
            "                   WHERE checklist=?3 AND step=?1 AND verdict='holds')",
            (step, since, checklist),
        )
        return {data: Result(state, json.loads(answers)) for data, state, answers in rows}

    def result(self, change_id: str) -> Result | None:
        row = self._one("SELECT state, answers, kept, error, lines FROM results WHERE change=?", change_id)
        return None if row is None else Result(row[0], json.loads(row[1]), row[2], row[3], tuple(json.loads(row[4])))

    def _intents(self, where: str, *values: Any) -> Iterator[Intent]:
        rows = self._db.execute(
            "SELECT change, intents.at, step, generation, data, before FROM intents LEFT JOIN results USING (change)"
            f" WHERE {where} ORDER BY intents.rowid",
            values,
        )
        for change_id, at, step, generation, data, before in rows.fetchall():
            found = decode_finding(json.loads(before))
            yield Intent(change_id, at, step, generation, decode(json.loads(data)), found)

    # Journal slices

    def add_journal(self, at: float, run: int | None, step: str, unit: str, lines: list[str]) -> None:
        self._add("journal", at, run, step, unit, json.dumps(lines))

    def journal(self, step: str) -> list[str]:
        row = self._one("SELECT lines FROM journal WHERE step=? ORDER BY rowid DESC LIMIT 1", step)
        return [] if row is None else list(json.loads(row[0]))

    def changes(self) -> list[dict[str, Any]]:
        """Everything that was sent, for reports: step, time, change, state, error."""
        rows = self._db.execute(
            "SELECT intents.at, step, data, state, error FROM intents LEFT JOIN results USING (change)"
            " ORDER BY intents.rowid"
        )
        return [
            {
                "at": at,
                "step": step,
                "change": decode(json.loads(data)),
                "state": state or "interrupted",
                "error": error,
            }
            for at, step, data, state, error in rows
        ]

    def _one(self, query: str, *values: Any) -> Any:
        return self._db.execute(query, values).fetchone()

    def _add(self, table: str, *values: Any) -> None:
        marks = ",".join("?" * len(values))
        self._db.execute(f"INSERT INTO {table} VALUES ({marks})", values)
