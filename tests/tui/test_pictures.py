"""The pictures in the documents are of today's program: its screens, its keys, its checklist."""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path

import pytest

from iris_migrate.language.checklist import Checklist
from iris_migrate.language.load import load
from iris_migrate.tui.commands import commands, key_name

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "screenshots"
# Which screen's footer stands on a picture; a dialog has none.
AREAS = {
    "start": "start", "connect": "connect", "discover": "discover", "settings": "settings", "checklist": "checklist",
    "running": "checklist", "consent": "",
}  # fmt: skip


def lines(name: str) -> list[str]:
    """What stands on a picture, line by line: what has the same height is one."""
    found: dict[float, list[tuple[float, str]]] = {}
    svg = (FOLDER / f"{name}.svg").read_text()
    for attributes, words in re.findall(r"<text ([^>]*)>([^<]*)</text>", svg):
        place = dict(re.findall(r'([xy])="([\d.]+)"', attributes))
        found.setdefault(float(place["y"]), []).append((float(place["x"]), html.unescape(words).replace("\xa0", " ")))
    return ["".join(words for _, words in sorted(found[height])) for height in sorted(found)]


@cache
def checklist() -> Checklist:
    return load("lambda-to-ec2")


def test_the_pictures_are_those_that_the_documents_show() -> None:
    shown = {
        name
        for document in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
        for name in re.findall(r"screenshots/([a-z-]+)\.svg", document.read_text())
    }
    assert shown == {path.stem for path in FOLDER.glob("*.svg")} == set(AREAS)


@pytest.mark.parametrize("name", [name for name, area in AREAS.items() if area])
def test_each_footer_names_commands_that_there_are(name: str) -> None:
    footer = lines(name)[-1]
    known = {(key_name(key), words) for area in (AREAS[name], "app") for command in commands(area)
             for key in command.key.split(",") for words in (command.words, command.wide) if words}  # fmt: skip
    named = [
        (key, words)
        for key, words in known
        if re.search(rf"(?:^|\s){re.escape(key)}\s+{re.escape(words)}(?=\s|$)", footer)
    ]
    rest = footer
    for key, words in sorted(named, key=lambda pair: -len(" ".join(pair))):
        rest = re.sub(rf"(?:^|\s){re.escape(key)}\s+{re.escape(words)}(?=\s|$)", " ", rest)
    assert named and not rest.strip(), f"no command has this: {rest.strip()!r}"


@pytest.mark.parametrize("name", ["checklist", "running"])
def test_the_checklist_has_as_many_steps_as_there_are(name: str) -> None:
    counted = re.search(r"\d+ of (\d+) hold", "\n".join(lines(name)))
    assert counted is not None and int(counted[1]) == len(checklist().steps)


def test_the_phases_are_those_of_the_checklist() -> None:
    shown = "\n".join(lines("checklist"))
    for phase in checklist().phases:
        steps = sum(step.phase == phase.id for step in checklist().steps)
        assert re.search(rf"{phase.id} {re.escape(phase.title[:12])}.*/{steps}\b", shown), phase.title


def test_the_settings_are_those_of_the_checklist() -> None:
    names = {found for line in lines("settings") for found in re.findall(r"\b[a-z_]+\.[a-z_]+\b", line)}
    assert names & set(checklist().settings)
