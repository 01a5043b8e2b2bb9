"""Each line of the plan that asks for something has a step or a written reason; the rest is exempt by rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from iris_migrate.language.coverage import coverage, uncovered
from iris_migrate.language.data import plan_file
from iris_migrate.language.errors import ChecklistError
from iris_migrate.language.plan import plan_lines

PLAN = """\
# A plan
## Overview
- not in scope
## Phase 1: Setup
### 1.1 Launch

**Ports:**
- **SSH (22)**: yours
1. first
```bash
# a comment
apt install x

# OR
  dnf install x
```
```bash
# Do it by hand:
# - instance type
```
   ```bash
   indented
   ```
---
## Phase 9: Later
- not now
## Appendix
```
conf
```
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.md"
    path.write_text(PLAN)
    return path


def checklist(folder: Path, covers: str, reasons: str = "") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "checklist.yaml").write_text(f"name: {folder.name}\ntitle: T\nphases: [s.yaml]\n")
    (folder / "s.yaml").write_text(
        "phase: {id: '1', title: P}\n"
        f"steps: [{{id: a, title: A, resource: sample.thing, with: {{name: x}}, covers: [{covers}]}}]\n"
    )
    if reasons:
        (folder / "coverage.yaml").write_text(reasons)
    return str(folder)


def test_which_lines_ask_for_something(plan: Path) -> None:
    assert [line.text.strip() for line in plan_lines(plan) if line.actionable] == [
        "- **SSH (22)**: yours",
        "1. first",
        "apt install x",
        "dnf install x",
        "# - instance type",
        "indented",
        "conf",
    ]


def test_every_exempt_line_has_its_rule(plan: Path) -> None:
    rules = {line.number: line.exempt for line in plan_lines(plan)}
    assert rules[3] == rules[26] == "outside of phases 1-8, Troubleshooting and the appendix"
    assert (rules[5], rules[6], rules[7], rules[10], rules[11]) == (
        "a heading",
        "a blank line",
        "a title or an introduction of what follows",
        "a border of a code block",
        "a comment",
    )
    assert len(rules) == len(PLAN.splitlines())


def test_a_line_with_neither_step_nor_reason_is_uncovered(plan: Path, tmp_path: Path) -> None:
    name = checklist(tmp_path / "one", "L8-L12, L15", "reasons: [{lines: [L19], because: Nobody needs it here.}]\n")
    assert [line.number for line in uncovered(name, plan)] == [22, 29]
    by_line = {item.line.number: item for item in coverage(name, plan)}
    assert by_line[8].steps == ("a",)
    assert by_line[19].reason == "Nobody needs it here."
    assert not by_line[22].complete


def test_another_checklist_counts_when_it_is_named(plan: Path, tmp_path: Path) -> None:
    checklist(tmp_path / "two", "L22, L29")
    name = checklist(tmp_path / "one", "L8-L19", "also: [two]\n")
    assert uncovered(name, plan) == []
    assert {item.line.number: item.steps for item in coverage(name, plan)}[29] == ("two/a",)


def test_a_reason_has_to_be_written_out(plan: Path, tmp_path: Path) -> None:
    name = checklist(tmp_path / "one", "L8", "reasons: [{lines: [L12], because: no}]\n")
    with pytest.raises(ChecklistError, match=r"coverage\.yaml:1: reasons\.0\.because"):
        coverage(name, plan)


def test_the_shipped_plan_is_read_with_its_kinds() -> None:
    lines = {line.number: line for line in plan_lines(plan_file())}
    assert lines[32].kind == "item"
    assert lines[44].exempt == "a comment"
    assert lines[45].kind == "command"
    assert lines[25].actionable, "a block of comments alone holds the instructions"
    assert lines[505].exempt.startswith("outside")
    assert sum(line.actionable for line in lines.values()) > 200
