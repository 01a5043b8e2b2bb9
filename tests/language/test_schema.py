"""The committed JSON Schema is the models' own, and accepts and refuses what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from iris_migrate.language.data import checklists_folder
from iris_migrate.language.schema import schema, text

FILES = sorted(checklists_folder().glob("*/*.yaml"))


def test_the_committed_schema_is_current() -> None:
    committed = (checklists_folder() / "schema.json").read_text()
    assert committed == text(), "run: python -m iris_migrate.language.schema"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_editors_accept_what_is_shipped(path: Path) -> None:
    jsonschema.Draft202012Validator(schema()).validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    "data",
    [
        {"name": "x", "title": "X"},
        {"name": "x", "title": "X", "phases": ["a.yaml"], "stepps": []},
        {"phase": {"id": "1", "title": "One"}, "steps": []},
        {"phase": {"id": "1", "title": "One"}, "steps": [{"id": "a", "title": "A"}]},
        {"phase": {"id": "1", "title": "One"}, "steps": [{"id": "A B", "title": "A", "resource": "a.b"}]},
        {"reasons": [{"lines": ["36"], "because": "A reason that is long enough."}]},
    ],
)
def test_editors_refuse_what_loading_refuses(data: dict[str, Any]) -> None:
    assert not jsonschema.Draft202012Validator(schema()).is_valid(data)
