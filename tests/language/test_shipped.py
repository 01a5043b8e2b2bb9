"""The shipped checklists: without a complaint, and every line of the plan has its step or its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from iris_migrate.language.coverage import coverage, uncovered
from iris_migrate.language.data import plan_file, shipped_names
from iris_migrate.language.lint import lint
from iris_migrate.language.load import load
from iris_migrate.language.scripts import shellcheck
from iris_migrate.language.settings import declarations
from iris_migrate.values import Secret, specials

MIGRATION = "lambda-to-ec2"


@pytest.mark.parametrize("name", shipped_names())
def test_lint_has_nothing_to_say(name: str) -> None:
    assert [str(problem) for problem in lint(name)] == []


def test_scripts_are_checked_here() -> None:
    assert shellcheck() is not None, "shellcheck belongs to the development tools; without it lint skips scripts"


def test_every_line_of_the_plan_has_a_step_or_a_written_reason() -> None:
    assert [f"L{line.number}: {line.text}" for line in uncovered(MIGRATION)] == []


def test_reasons_are_the_exception() -> None:
    actionable = [item for item in coverage(MIGRATION) if item.line.actionable]
    by_step = [item for item in actionable if item.steps]
    assert len(by_step) > 0.85 * len(actionable)


def test_a_line_that_loses_its_step_is_noticed(tmp_path: Path) -> None:
    longer = tmp_path / "plan.md"
    longer.write_text(plan_file().read_text() + "\n## Phase 8: More\n- one more thing to do\n")
    assert [line.text for line in uncovered(MIGRATION, longer)] == ["- one more thing to do"]


def test_the_migration_has_its_steps_phases_and_secrets(tmp_path: Path) -> None:
    checklist = load(MIGRATION, cache=tmp_path)
    assert len(checklist.steps) >= 40
    assert [phase.id for phase in checklist.phases] == [str(number) for number in range(1, 9)]
    named = {item.name for step in checklist.steps for item in specials(step.with_) if isinstance(item, Secret)}
    assert named <= set(checklist.secrets)
    assert "openai_api_key" in named


def test_examples_turn_on_what_the_defaults_leave_out(tmp_path: Path) -> None:
    examples = {item.name: item.example for item in declarations(MIGRATION) if item.example is not None}
    by_default = {step.id for step in load(MIGRATION, cache=tmp_path).steps if step.left_out}
    with_examples = {step.id for step in load(MIGRATION, discovered=examples, cache=tmp_path).steps if step.left_out}
    assert "certificate" in by_default
    assert "certificate" not in with_examples
    assert "extension-compiled" not in with_examples
