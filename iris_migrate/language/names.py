"""Names in templates that name nothing, also in the branches that no settings at hand take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from iris_migrate.language.document import Document, Place
from iris_migrate.language.errors import Problem, known
from iris_migrate.language.model import StepModel
from iris_migrate.language.render import METHODS, Renderer, TemplateProblem
from iris_migrate.language.source import Source

Output = Callable[[str, str], str]


def nameless(source: Source, renderer: Renderer, output: Output) -> Iterator[Problem]:
    """Each name in a step's templates and files that stands for nothing."""
    for part in source.phases:
        for index, step in enumerate(part.model.steps):
            for template, found, place in _templates(step, part.document, ("steps", index), source.folder):
                try:
                    names = renderer.names(template)
                except TemplateProblem:
                    continue  # compiling says so
                for chain, line in names:
                    if says := _nothing(chain, source, output):
                        at = line if not found.lines else found.line(place) + (line if "\n" in template else 0)
                        yield Problem(found.file, at, found.name(place), says)


def _templates(step: StepModel, found: Document, place: Place, folder: Path) -> Iterator[tuple[str, Document, Place]]:
    yield step.title, found, (*place, "title")
    yield step.why, found, (*place, "why")
    if step.when is not None:
        yield str(step.when.that), found, (*place, "when", "that")
        yield step.when.otherwise, found, (*place, "when", "otherwise")
    for index, unit in enumerate(step.journal):
        yield unit, found, (*place, "journal", index)
    yield from _values(step.with_, found, (*place, "with"), folder)


def _values(value: Any, found: Document, place: Place, folder: Path) -> Iterator[tuple[str, Document, Place]]:
    if isinstance(value, str):
        yield value, found, place
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _values(item, found, (*place, index), folder)
    elif isinstance(value, dict):
        name = value.get("from")
        if isinstance(name, str) and "{{" not in name and not value.get("raw", False):
            path = folder / name
            if path.is_file():
                inside = Document(str(Path(found.file).parent / name), None, {})
                yield path.read_text(encoding="utf-8", errors="replace"), inside, ()
        for key, item in value.items():
            yield from _values(item, found, (*place, key), folder)


def _nothing(chain: tuple[str, ...], source: Source, output: Output) -> str:
    """Why a dotted name stands for nothing; "" when it stands for something."""
    dotted = ".".join(chain)
    if chain[0] == "steps":
        try:
            return output(*chain[1:3]) and "" if len(chain) >= 3 else f"{dotted} names no output; expected steps.…"
        except TemplateProblem as problem:
            return problem.says
    if chain[0] == "profile":
        lacking = sorted(name for name, profile in source.profiles.items() if not _there(profile, chain[1:]))
        return f"names nothing: no {dotted} in the profile {', '.join(lacking)}" if lacking else ""
    if any(".".join(chain[:length]) in source.settings for length in range(1, len(chain) + 1)):
        return ""
    return f"names nothing: no setting {dotted!r}; {known(dotted, source.settings)}"


def _there(profile: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    here: Any = profile
    for name in names:
        if not isinstance(here, Mapping):
            return True  # what a value has is judged when it is rendered
        if name not in here:
            return name in METHODS
        here = here[name]
    return True
