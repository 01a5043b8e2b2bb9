"""What a run leaves behind in a world: what it made in AWS, the files on the host, the jobs that ran."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from iris_migrate.language.load import load
from iris_migrate.rehearsal.launch import World

BROUGHT_UP = ("nginx.", "service.current")  # resources whose job may be done by another step that notices first
_MAKES = ("Run", "Create", "Allocate", "Import", "Associate", "Authorize")
_FOLDERS = ("etc", "opt", "usr/local", "home")
_LEFT_OUT = ("venv", ".git", "__pycache__", "archive", "accounts", "live", "csr", "keys")  # differ by time or chance


@dataclass(frozen=True)
class Traces:
    statuses: dict[str, str]
    made: dict[str, int]
    files: dict[str, str]
    jobs: dict[str, int]


def traces(world: World, document: dict[str, Any]) -> Traces:
    settings = yaml.safe_load(Path(world.env["IRIS_MIGRATE_SETTINGS"]).read_text())
    settings |= {name: world.env[name] for name in ("OPENAI_API_KEY", "IRIS_API_KEYS")}
    statuses = {step["id"]: step["status"] for step in document["steps"]}
    return Traces(statuses, made(world), files(settings), jobs(world, settings))


def made(world: World) -> dict[str, int]:
    """How many of each thing AWS was made to make; tags on what is there already are not things."""
    with urllib.request.urlopen(f"{world.control}calls") as answer:
        calls = json.load(answer)["calls"]
    writes = [call for call in calls if call["write"] and not call["dry_run"] and call["status"] == 200]
    return dict(
        Counter(
            f"{call['service']}:{call['operation']}"
            for call in writes
            if call["operation"].startswith(_MAKES) and call["operation"] != "CreateTags"
        )
    )


def files(settings: dict[str, Any]) -> dict[str, str]:
    """Files of the host by path, with mode and content; what names this world is replaced by its setting's name."""
    root = Path(settings["host.root"])
    found: dict[str, str] = {}
    for folder in _FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and not set(path.relative_to(root).parts) & set(_LEFT_OUT):
                mode = f"{path.stat().st_mode & 0o7777:04o}"
                found[str(path.relative_to(root))] = f"{mode} {_digest(path.read_bytes(), settings)}"
            elif path.is_symlink():
                found[str(path.relative_to(root))] = f"link {_digest(str(path.readlink()).encode(), settings)}"
    return found


def _digest(data: bytes, settings: dict[str, Any]) -> str:
    for name, value in sorted(settings.items(), key=lambda item: -len(str(item[1]))):
        if isinstance(value, str | int) and len(str(value)) >= 4:
            data = data.replace(str(value).encode(), f"<{name}>".encode())
    return hashlib.sha256(data).hexdigest()[:16]


def jobs(world: World, settings: dict[str, Any]) -> dict[str, int]:
    """How often each job of a step ended, by what it does: from the record.

    nginx and the service are brought up to what is on the disk by whichever step notices: after a kill between a
    file and its reload that may be another step than before, and more than once. So of these jobs it is only said
    that they ran.
    """
    resources = {step.id: step.resource for step in load("lambda-to-ec2").steps}
    [record] = Path(world.env["IRIS_MIGRATE_STATE"], "migrations").glob("*.sqlite")
    with sqlite3.connect(record) as db:
        rows = db.execute("SELECT step, data, state FROM intents JOIN results USING (change)").fetchall()
    ended: Counter[str] = Counter()
    for step, data, state in rows:
        change = json.loads(data)
        if change["$change"] in ("command", "script") and state in ("done", "failed"):
            what = json.dumps(change.get("argv") or change["name"])
            done = _digest(what.encode(), settings)
            if resources[step].startswith(BROUGHT_UP):
                ended[f"{resources[step].split('.')[0]} {done}"] = 1
            else:
                ended[f"{step} {done}"] += 1
    return dict(ended)
