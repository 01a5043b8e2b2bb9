"""The JSON Schema of checklists, made from the models; editors read it through each file's first line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from iris_migrate.language.data import checklists_folder
from iris_migrate.language.model import ChecklistModel, CoverageModel, PhaseFileModel

FIRST_LINE = "# yaml-language-server: $schema=../schema.json"


def schema() -> dict[str, Any]:
    """One schema for the three files of a folder, told apart by the keys that only they have."""
    models = (ChecklistModel, PhaseFileModel, CoverageModel)
    refs, definitions = models_json_schema([(model, "validation") for model in models], by_alias=True)
    head, steps, coverage = (refs[model, "validation"] for model in models)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A file of an iris-migrate checklist",
        "type": "object",
        "if": {"required": ["phase"]},
        "then": steps,
        "else": {"if": {"required": ["reasons"]}, "then": coverage, "else": head},
        "$defs": definitions["$defs"],
    }


def text() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def write(path: Path | None = None) -> Path:
    """Write the committed schema anew."""
    target = path or checklists_folder() / "schema.json"
    target.write_text(text(), encoding="utf-8")
    return target


if __name__ == "__main__":
    write()
