"""Symptoms with causes and remedies, from the `troubleshooting.yaml` beside a checklist, in terms of its settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_migrate.language.data import checklist_folder


@dataclass(frozen=True, slots=True)
class Cause:
    """`sign` is a text that the lines of a failure contain when this is the cause; it may be empty."""

    says: str
    sign: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Look:
    """A command that only reads, and what it shows."""

    shows: str
    command: str


@dataclass(frozen=True, slots=True)
class Symptom:
    id: str
    says: str
    look: tuple[Look, ...]
    causes: tuple[Cause, ...]

    def likely(self, lines: Iterable[str]) -> tuple[Cause, ...]:
        """The causes whose sign stands in one of the lines."""
        said = "\n".join(lines)
        return tuple(cause for cause in self.causes if cause.sign and cause.sign in said)


def symptoms(
    name_or_folder: str, *, flags: Mapping[str, str] | None = None, settings_file: Path | None = None
) -> dict[str, Symptom]:
    """Every symptom by its id; empty when there is no such file. Raises ChecklistError when it cannot be read."""
    from iris_migrate.language.compile import scope_of
    from iris_migrate.language.errors import ChecklistError, Problem
    from iris_migrate.language.settings import locate
    from iris_migrate.language.source import document, read

    path = checklist_folder(name_or_folder).parent / "troubleshooting.yaml"
    if not path.is_file():
        return {}
    problems: list[Problem] = []
    found = document(path, problems)
    given = locate(settings_file)
    values = document(given, problems) if given is not None else None
    if problems or found is None or not isinstance(found.data, dict):
        raise ChecklistError(problems)
    scope, _ = scope_of(read(name_or_folder), flags or {}, values, {}, samples=True)

    def rendered(template: Any) -> str:
        return str(scope.renderer.text(str(template)))

    return {name: _symptom(name, data, rendered) for name, data in found.data.items() if isinstance(data, dict)}


def _symptom(name: str, data: Mapping[str, Any], rendered: Any) -> Symptom:
    looks = tuple(Look(rendered(item["for"]), rendered(item["command"])) for item in data.get("look", ()))
    causes = tuple(
        Cause(rendered(item["cause"]), str(item.get("sign", "")), rendered(item["remedy"]))
        for item in data.get("causes", ())
    )
    return Symptom(name, rendered(data.get("symptom", name)), looks, causes)
