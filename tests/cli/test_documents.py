"""docs/commands.md and docs/events.md say what the code does, no more and no less."""

from __future__ import annotations

import argparse
import dataclasses
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from iris_migrate.cli import COMMANDS, parser
from iris_migrate.engine import events
from iris_migrate.engine.record import Record
from iris_migrate.exits import MEANINGS
from tests.cli.folder import ROOT

DOCS = ROOT / "docs"
GIVEN = {"--help", "-h"}


def sections(path: Path) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", path.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> Iterator[list[str]]:
    """The cells of a table's rows."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def subparsers(of: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def options(of: argparse.ArgumentParser) -> set[str]:
    found = {name for action in of._actions for name in action.option_strings}
    return found.union(*(options(sub) for sub in subparsers(of).values()))


def test_every_command_has_its_section_and_every_section_its_command() -> None:
    found = sections(DOCS / "commands.md")
    assert list(found) == ["Everywhere", *COMMANDS, "Exit codes"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_section_names_exactly_the_options_of_its_command(command: str) -> None:
    found = sections(DOCS / "commands.md")
    everywhere = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", found["Everywhere"]))
    named = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", found[command])) - {"--help"}
    there = options(subparsers(parser())[command])
    assert there - everywhere - GIVEN <= named
    assert named <= there


def test_what_stands_everywhere_is_an_option_of_the_program() -> None:
    named = set(re.findall(r"^\| `(--[a-z]+)", sections(DOCS / "commands.md")["Everywhere"], re.MULTILINE))
    own = {name for action in parser()._actions for name in action.option_strings}
    assert named | GIVEN == own


def test_the_actions_of_checklist_are_named() -> None:
    named = re.findall(r"^\| `checklist ([a-z]+)", sections(DOCS / "commands.md")["checklist"], re.MULTILINE)
    assert named == list(subparsers(subparsers(parser())["checklist"]))


def test_the_exit_codes_are_those_of_the_program() -> None:
    told = {row[0]: row[1] for row in list(rows(sections(DOCS / "commands.md")["Exit codes"]))[1:]}
    assert told == {str(code): meaning for code, meaning in MEANINGS.items()}


def names(cell: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", cell)


def test_the_events_are_those_of_the_engine() -> None:
    text = sections(DOCS / "events.md")["Events"]
    told = {row[0].strip("`"): names(row[1]) for row in list(rows(text))[1:]}
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, events.Event)]
    there = {
        kind.__name__: [field.name for field in dataclasses.fields(kind) if field.name != "at"]
        for kind in kinds
        if kind is not events.Event
    }
    assert told == there
    for status in events.Status:
        assert f"`{status.value}`" in text


def test_the_tables_are_those_of_the_record(tmp_path: Path) -> None:
    told = {row[0].strip("`"): names(row[1]) for row in list(rows(sections(DOCS / "events.md")["The record"]))[1:]}
    Record(tmp_path / "record.sqlite").close()
    with sqlite3.connect(tmp_path / "record.sqlite") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        there = {table: [row[1] for row in database.execute(f"PRAGMA table_info({table})")] for table in tables}
    assert told == there
