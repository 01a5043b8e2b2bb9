"""Which line of the plan has which step, or for which written reason it has none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iris_migrate.language.data import checklist_folder, plan_file
from iris_migrate.language.errors import ChecklistError, Problem
from iris_migrate.language.model import CoverageModel, plan_lines
from iris_migrate.language.plan import PlanLine
from iris_migrate.language.plan import plan_lines as lines_of_plan
from iris_migrate.language.source import Source, document, read, shaped


@dataclass(frozen=True, slots=True)
class Coverage:
    """A line of the plan with the steps that stand for it (`step`, or `checklist/step` of another) or the reason."""

    line: PlanLine
    steps: tuple[str, ...]
    reason: str

    @property
    def complete(self) -> bool:
        return bool(self.steps or self.reason or self.line.exempt)


def coverage(name_or_folder: str, plan: Path | None = None) -> tuple[Coverage, ...]:
    """Every line of the plan with what stands for it. Raises ChecklistError when files cannot be read."""
    source = read(name_or_folder)
    problems = list(source.problems)
    model = _written(source.folder, problems)
    steps = _steps(source, "", problems)
    for other in model.also:
        beside = source.folder.parent / other
        borrowed = read(str(beside if beside.is_dir() else checklist_folder(other)))
        problems += borrowed.problems
        for line, names in _steps(borrowed, f"{other}/", problems).items():
            steps.setdefault(line, []).extend(names)
    if problems:
        raise ChecklistError(problems)
    reasons = {line: item.because for item in model.reasons for line in plan_lines(list(item.lines))}
    return tuple(
        Coverage(line, tuple(steps.get(line.number, ())), reasons.get(line.number, "") or line.exempt)
        for line in lines_of_plan(plan or plan_file())
    )


def uncovered(name_or_folder: str, plan: Path | None = None) -> list[PlanLine]:
    """The actionable lines that have neither a step nor a written reason."""
    return [item.line for item in coverage(name_or_folder, plan) if not item.complete]


def _written(folder: Path, problems: list[Problem]) -> CoverageModel:
    path = folder / "coverage.yaml"
    found = document(path, problems) if path.is_file() else None
    model = shaped(CoverageModel, found, problems) if found is not None else None
    if model is not None and found is not None:
        for index, item in enumerate(model.reasons):
            try:
                plan_lines(item.lines)
            except ValueError as error:
                problems.append(found.problem(("reasons", index, "lines"), str(error)))
    return model or CoverageModel()


def _steps(source: Source, prefix: str, problems: list[Problem]) -> dict[int, list[str]]:
    """The steps by the line they stand for."""
    found: dict[int, list[str]] = {}
    for part in source.phases:
        for index, step in enumerate(part.model.steps):
            try:
                lines = plan_lines(step.covers)
            except ValueError as error:
                problems.append(part.document.problem(("steps", index, "covers"), str(error)))
                continue
            for line in lines:
                found.setdefault(line, []).append(f"{prefix}{step.id}")
    return found
