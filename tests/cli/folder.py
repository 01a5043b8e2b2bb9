"""A folder with a small checklist, and the program started in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-m", "tests.cli.program")


@dataclass(frozen=True)
class Ended:
    """What a process left."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def statuses(self) -> dict[str, str]:
        return {step["id"]: step["status"] for step in self.document["steps"]}


@dataclass
class Folder:
    """Steps over files of this folder; state, cache and settings are the folder's own."""

    path: Path
    steps: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.path / "small").mkdir()
        (self.path / "home").mkdir()

    def note(self, name: str, content: str, **more: Any) -> Path:
        """A step: this file has this content."""
        return self.step(name, "sandbox.note", {"content": content}, **more)

    def step(self, name: str, kind: str, with_: Mapping[str, Any], **more: Any) -> Path:
        path = self.path / name
        self.steps.append(
            {"id": name, "title": f"About {name}", "resource": kind, "with": {"path": str(path), **with_}, **more}
        )
        self.write()
        return path

    def write(self) -> None:
        head = {
            "name": "small", "title": "A small one", "settings": {
                "app": {"type": "str", "default": "small", "description": "Its name."}, **self.settings,
            }, "phases": ["all.yaml"],
        }  # fmt: skip
        (self.path / "small" / "checklist.yaml").write_text(yaml.safe_dump(head, sort_keys=False))
        phase = {"phase": {"id": "1", "title": "All of it"}, "steps": self.steps}
        (self.path / "small" / "all.yaml").write_text(yaml.safe_dump(phase, sort_keys=False))

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "IRIS_", "XDG_"))}
        home = str(self.path / "home")
        return kept | {"HOME": home, "IRIS_MIGRATE_STATE": str(self.path / "state"), "PYTHONPATH": str(ROOT)}

    def run(self, *arguments: str, **variables: str) -> Ended:
        """The program to its end, with nobody at a terminal."""
        done = subprocess.run(
            [*PROGRAM, *arguments], cwd=self.path, env=self.environment | variables, capture_output=True, text=True,
            timeout=120, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)
