"""Each broken checklist is refused with file, line, path and what was expected. A case is a file in `broken/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from iris_migrate.language.errors import LanguageError
from iris_migrate.language.load import load

CASES = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
HEAD = """\
name: broken
title: Broken
settings:
  app: {description: The name., default: iris}
  os: {description: The system., default: plain}
  host.root: {description: The prefix., default: ""}
  api_key: {description: The key., secret: true}
phases: [steps.yaml]
"""
STEPS = """\
phase: {id: "1", title: One}
steps:
  - {id: a, title: A, resource: sample.thing, with: {name: x}}
"""


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_broken_checklist_is_refused_with_its_place(case: Path, tmp_path: Path) -> None:
    said: dict[str, Any] = yaml.safe_load(case.read_text())
    files = {"checklist.yaml": HEAD, "steps.yaml": STEPS, "profiles.yaml": "plain: {user: ubuntu}\n", **said["files"]}
    folder = tmp_path / "broken"
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    with pytest.raises(LanguageError) as refused:
        load(str(folder), cache=tmp_path / "compiled")
    problems = [str(problem).replace(f"{folder}/", "") for problem in refused.value.problems]
    for expected in said["expect"]:
        assert any(expected in problem for problem in problems), "\n".join([expected, "is not among", *problems])
    assert len(problems) <= len(said["expect"]) + said.get("more", 0), "\n".join(["too many:", *problems])


def test_every_case_is_found() -> None:
    assert len(CASES) >= 30
