"""Everything that can be said against a checklist without a host: what loading refuses, and the house's rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from iris_migrate.language import meaning
from iris_migrate.language.checklist import Checklist, Step
from iris_migrate.language.compile import Compiler, scope_of
from iris_migrate.language.data import checklist_folder, checklists_folder, plan_file
from iris_migrate.language.errors import Problem, known
from iris_migrate.language.explained import explained
from iris_migrate.language.model import TroubleshootingModel, plan_lines
from iris_migrate.language.names import nameless
from iris_migrate.language.plan import plan_lines as lines_of_plan
from iris_migrate.language.scope import Scope
from iris_migrate.language.scripts import script_problems
from iris_migrate.language.settings import SettingDeclaration, declaration
from iris_migrate.language.source import Source, document, read, shaped, shown
from iris_migrate.language.troubleshooting import FILE
from iris_migrate.values import unresolved

FREE_SHELL = 10  # percent of the steps


def lint(folder: str | Path) -> list[Problem]:
    """What is wrong with a checklist (shipped name or folder), sorted by place; empty when nothing is."""
    source = read(str(folder))
    found = set(source.problems)
    for values in _variants(source):
        problems, checklist, scope = _compiled(source, values)
        found |= problems
        if checklist is not None:
            found |= {*_chains(checklist), *_free_shell(checklist, source)}
            found |= set(script_problems(source.folder, scope.renderer))
    said = {(problem.file, problem.line) for problem in found}
    found |= {problem for problem in _names(source) if (problem.file, problem.line) not in said}
    found |= {*_plan(source), *_first_lines(source), *_unused_files(source), *_troubleshooting(source)}
    return sorted(found)


def _compiled(source: Source, values: Mapping[str, Any]) -> tuple[set[Problem], Checklist | None, Scope]:
    """Compile with these settings, samples standing in for what must be given."""
    scope, wrong = scope_of(source, {}, None, values, samples=True)
    compiler = Compiler(source, scope)
    checklist = compiler.checklist()
    problems = {*source.problems, *wrong, *compiler.problems, *scope.checklist_problems, *scope.settings_problems}
    return problems, checklist, scope


def _names(source: Source) -> Iterator[Problem]:
    """Names that stand for nothing, whether the settings at hand reach them or not."""
    scope, _ = scope_of(source, {}, None, {}, samples=True)
    compiler = Compiler(source, scope)
    compiler.register()
    yield from nameless(source, scope.renderer, compiler.output)


def _variants(source: Source) -> Iterator[Mapping[str, Any]]:
    """Settings to compile with: the defaults, the examples together, and each choice and profile by itself."""
    declared = {name: declaration(name, model) for name, (model, _) in source.settings.items()}
    yield {}
    examples = {name: item.example for name, item in declared.items() if item.example is not None}
    if examples:
        yield examples
    for name, item in declared.items():
        for choice in _choices(item, source):
            if choice != item.default:
                yield {**examples, name: choice}


def _choices(item: SettingDeclaration, source: Source) -> tuple[Any, ...]:
    if item.type == "bool":
        return (True, False)
    if item.name == "os" and not item.choices:
        return tuple(source.profiles)
    return item.choices


def _plan(source: Source) -> Iterator[Problem]:
    """Lines named in `covers` that the plan does not have."""
    last = len(lines_of_plan(plan_file())) if plan_file().is_file() else 0
    for part in source.phases:
        for index, step in enumerate(part.model.steps):
            try:
                beyond = [line for line in plan_lines(step.covers) if line > last]
            except ValueError:
                continue  # compiling says so
            if beyond:
                says = f"the plan has no line {beyond[0]}; its last is {last}"
                yield part.document.problem(("steps", index, "covers"), says)


def _chains(checklist: Checklist) -> Iterator[Problem]:
    """Host steps name settings, not each other's outputs: one such link is allowed, no second behind it."""
    on_host = {step.id: step for step in checklist.steps if _uses_host(step)}
    links = {
        step_id: [ref.step for ref in unresolved(step.with_) if ref.step in on_host and ref.step != step_id]
        for step_id, step in on_host.items()
    }
    for step_id, step in on_host.items():
        for first in links[step_id]:
            for second in links[first]:
                says = f"host steps that wait for each other: {second} -> {first} -> {step_id}; name settings instead"
                yield Problem(step.file, step.line, step_id, says)


def _uses_host(step: Step) -> bool:
    cls, _ = meaning.class_of(step.resource)
    return cls is not None and "host" in cls.uses


def _free_shell(checklist: Checklist, source: Source) -> Iterator[Problem]:
    # A checklist that is not shipped asks with commands of its own as it likes; that is what they are there for.
    own = () if source.folder.parent == checklists_folder() else ("host.command",)
    free = [
        step.id
        for step in checklist.steps
        if getattr(meaning.class_of(step.resource)[0], "free_shell", False) and step.resource not in own
    ]
    allowed = max(1, len(checklist.steps) * FREE_SHELL // 100)
    if len(free) > allowed:
        says = (
            f"{len(free)} of {len(checklist.steps)} steps are free shell, at most {allowed} may be: {', '.join(free)}"
        )
        yield Problem(shown(source.folder / "checklist.yaml"), 0, "phases", says)


def _first_lines(source: Source) -> Iterator[Problem]:
    """Each file names its schema, for editors."""
    head = source.folder / "checklist.yaml"
    names = [head, *(source.folder / name for name in (source.head.phases if source.head else ()))]
    for path in [*names, source.folder / "coverage.yaml"]:
        if not path.is_file():
            continue
        first = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
        if not first.startswith("# yaml-language-server: $schema="):
            yield Problem(
                shown(path), 1, "", "expected the first line `# yaml-language-server: $schema=../schema.json`"
            )


def _named_files(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("from"), str):
            yield value["from"]
        for item in value.values():
            yield from _named_files(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named_files(item)


def _unused_files(source: Source) -> Iterator[Problem]:
    """Files that no step names; silent where a name is a template."""
    named = {name for part in source.phases for step in part.model.steps for name in _named_files(step.with_)}
    if any("{{" in name for name in named):
        return
    for path in sorted((source.folder / "files").rglob("*")):
        inside = path.relative_to(source.folder).as_posix()
        compiled = "__pycache__" in path.parts  # an installer compiles what ends in .py
        if path.is_file() and inside not in named and not compiled:
            yield Problem(shown(path), 0, "", "no step names this file; remove it or name it with {from: …}")


def _troubleshooting(source: Source) -> Iterator[Problem]:
    """What is wrong with `troubleshooting.yaml`, and symptoms that steps name and it does not have."""
    path = checklist_folder(str(source.folder)).parent / FILE
    problems: list[Problem] = []
    found = document(path, problems) if path.is_file() else None
    model = shaped(TroubleshootingModel, found, problems) if found is not None else None
    yield from problems
    if found is None or model is None:
        return
    yield from explained(model, found, _steps_beside(source.folder))
    for part in source.phases:
        for index, step in enumerate(part.model.steps):
            for position, name in enumerate(step.troubleshoot):
                if name not in model.symptoms:
                    place = ("steps", index, "troubleshoot", position)
                    says = f"no symptom {name!r} in {found.file}; {known(name, model.symptoms)}"
                    yield part.document.problem(place, says)


def _steps_beside(folder: Path) -> frozenset[str]:
    """The steps of this checklist and of those beside it: a remedy may name each."""
    others = (path.parent for path in folder.resolve().parent.glob("*/checklist.yaml"))
    return frozenset(step.id for other in others for part in read(str(other)).phases for step in part.model.steps)
