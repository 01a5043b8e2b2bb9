"""A warm load: equal to a cold one, without a parser, and never from a file that others could have written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from iris_migrate.language.data import checklists_folder
from iris_migrate.language.load import load

from .conftest import FIXTURES

HEAVY = ("pydantic", "jinja2", "yaml", "boto3", "paramiko", "textual", "asyncio")
PROGRAM = """
import json, sys
from pathlib import Path
from iris_migrate.language.load import load
checklist = load(sys.argv[1], cache=Path(sys.argv[2]), settings_file=Path(sys.argv[3]))
heavy = [name for name in json.loads(sys.argv[4]) if name in sys.modules]
print(json.dumps([len(checklist.steps), checklist.settings["app"].origin, heavy]))
"""


def started(checklist: str, cache: Path, settings: Path) -> tuple[int, str, list[str]]:
    argv = [sys.executable, "-c", PROGRAM, checklist, str(cache), str(settings), json.dumps(HEAVY)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    steps, origin, heavy = json.loads(done.stdout)
    return steps, origin, heavy


def test_a_warm_load_of_a_shipped_checklist_imports_no_parser(tmp_path: Path) -> None:
    folder = checklists_folder() / "lambda-to-ec2"
    settings = tmp_path / "settings.yaml"
    settings.write_text("app: other\n")
    cold = started(str(folder), tmp_path / "cache", settings)
    warm = started(str(folder), tmp_path / "cache", settings)
    assert "pydantic" in cold[2]
    assert warm == (cold[0], "file", [])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the small checklist that a test may change."""
    for path in (FIXTURES / "small").rglob("*"):
        if path.is_file():
            target = tmp_path / "lists" / "small" / path.relative_to(FIXTURES / "small")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return tmp_path / "lists" / "small"


def test_a_warm_checklist_equals_a_cold_one(folder: Path, tmp_path: Path) -> None:
    cold = load(str(folder), cache=tmp_path / "cache")
    compiled = next((tmp_path / "cache").glob("*.json"))
    written = compiled.stat().st_ino
    assert load(str(folder), cache=tmp_path / "cache") == cold
    assert compiled.stat().st_ino == written


@pytest.mark.parametrize("name", ["checklist.yaml", "1-only.yaml", "profiles.yaml", "files/raw.sh"])
def test_a_change_of_any_file_is_seen(folder: Path, tmp_path: Path, name: str) -> None:
    load(str(folder), cache=tmp_path / "cache")
    path = folder / name
    path.write_text(path.read_text() + "\n# changed\n")
    load(str(folder), cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").glob("*.json"))) == 2


def test_the_digest_tells_what_is_said_not_how_it_is_written(folder: Path, tmp_path: Path) -> None:
    first = load(str(folder), cache=tmp_path / "cache")
    steps = folder / "1-only.yaml"
    steps.write_text("# another comment\n" + steps.read_text())
    commented = load(str(folder), cache=tmp_path / "cache")
    steps.write_text(steps.read_text().replace("size: 30", "size: 31"))
    changed = load(str(folder), cache=tmp_path / "cache")
    assert commented.digest == first.digest
    assert commented.step("instance").line == first.step("instance").line + 1
    assert changed.digest != first.digest


def test_settings_are_part_of_the_digest(folder: Path, tmp_path: Path) -> None:
    given = [({}, {}), ({"app": "x"}, {}), ({}, {"app": "x"}), ({"app": "y"}, {})]
    loaded = [load(str(folder), cache=tmp_path / "cache", flags=flags, discovered=found) for flags, found in given]
    assert len({checklist.digest for checklist in loaded}) == 3
    assert len(list((tmp_path / "cache").glob("*.json"))) == 4


def test_the_cache_is_the_users_alone(folder: Path, tmp_path: Path) -> None:
    load(str(folder), cache=tmp_path / "cache")
    compiled = next((tmp_path / "cache").glob("*.json"))
    assert compiled.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["open", "truncated", "other shape", "not JSON"])
def test_a_cached_file_that_cannot_be_trusted_is_compiled_anew(folder: Path, tmp_path: Path, damage: str) -> None:
    cold = load(str(folder), cache=tmp_path / "cache")
    compiled = next((tmp_path / "cache").glob("*.json"))
    data = json.loads(compiled.read_text())
    data["title"] = "somebody else's"
    match damage:
        case "open":
            compiled.write_text(json.dumps(data))
            compiled.chmod(0o666)
        case "truncated":
            compiled.write_text(json.dumps(data)[:100])
        case "other shape":
            del data["steps"]
            compiled.write_text(json.dumps(data))
        case "not JSON":
            compiled.write_bytes(b"\x80\x04\x95")
    assert load(str(folder), cache=tmp_path / "cache") == cold


def test_without_a_place_for_a_cache_it_still_loads(folder: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder would be")
    assert load(str(folder), cache=blocked / "cache").name == "small"


def test_old_entries_are_removed(folder: Path, tmp_path: Path) -> None:
    for number in range(30):
        load(str(folder), cache=tmp_path / "cache", flags={"web.port": str(8000 + number)})
    assert len(list((tmp_path / "cache").glob("*.json"))) == 24
    assert not list((tmp_path / "cache").glob(".*"))


def test_no_secret_reaches_the_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "value-of-the-key")
    key = tmp_path / "key"
    key.write_text("value-of-the-key")
    key.chmod(0o600)
    for source in ("env:A_KEY", f"file:{key}"):
        loaded = load(str(folder), cache=tmp_path / "cache", flags={"api_key": source})
        assert "value-of-the-key" not in repr(loaded)
    compiled = list((tmp_path / "cache").iterdir())
    assert len(compiled) == 2
    for path in compiled:
        assert "value-of-the-key" not in path.read_text()
