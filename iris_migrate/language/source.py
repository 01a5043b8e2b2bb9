"""The files of a checklist's folder, read once: parsed, checked for shape, with their lines and their bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from iris_migrate.language.data import checklist_folder, checklists_folder, shipped_names
from iris_migrate.language.document import Document, parse
from iris_migrate.language.errors import Problem, known
from iris_migrate.language.model import ChecklistModel, PhaseFileModel, SettingModel

Model = TypeVar("Model", bound=BaseModel)


@dataclass
class PhaseSource:
    document: Document
    model: PhaseFileModel


@dataclass
class Source:
    """What a folder holds. `head` is None when `checklist.yaml` itself cannot be used; `problems` says why."""

    folder: Path
    head: ChecklistModel | None = None
    head_document: Document | None = None
    settings: dict[str, tuple[SettingModel, Document]] = field(default_factory=dict)
    phases: list[PhaseSource] = field(default_factory=list)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    profiles_file: str = ""
    problems: list[Problem] = field(default_factory=list)


def read(name_or_folder: str) -> Source:
    """Read a checklist by its shipped name or its folder."""
    source = Source(checklist_folder(name_or_folder))
    _read_head(source)
    if source.head is not None:
        _read_phases(source, source.head)
    _read_profiles(source)
    return source


def read_settings(name_or_folder: str) -> Source:
    """Only the declarations of the settings: for forms, and for reading a settings file."""
    source = Source(checklist_folder(name_or_folder))
    _read_head(source)
    return source


def shown(path: Path) -> str:
    """A path as messages name it: relative to here when it is below, else whole."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def document(path: Path, problems: list[Problem]) -> Document | None:
    """A YAML file; None with a problem when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        problems.append(Problem(shown(path), 0, "", "there is no such file"))
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        problems.append(Problem(shown(path), 0, "", f"cannot be read: {reason}"))
        return None
    found = parse(text, shown(path))
    problems.extend(found.problems)
    return found if found.data is not None or not found.problems else None


def shaped(cls: type[Model], found: Document, problems: list[Problem]) -> Model | None:
    """The document as a model; each thing that does not fit is a problem."""
    if not isinstance(found.data, dict):
        problems.append(found.problem((), "expected a mapping of names"))
        return None
    try:
        return cls.model_validate(found.data)
    except ValidationError as error:
        problems.extend(_misfit(cls, found, item) for item in error.errors(include_url=False, include_context=True))
        return None


def _misfit(cls: type[BaseModel], found: Document, error: Any) -> Problem:
    place = tuple(part for part in error["loc"] if part != "[key]")
    kind = error["type"]
    if kind == "extra_forbidden":
        says = f"unknown key; {known(str(place[-1]), _keys(cls, place[:-1]))}"
    elif kind == "missing":
        says = f"{place[-1]!r} is missing"
        place = place[:-1]
    elif kind == "string_pattern_mismatch":
        says = f"{str(error['input'])[:60]!r} does not fit; expected the pattern {error['ctx']['pattern']}"
    else:
        given = type(error["input"]).__name__.replace("NoneType", "nothing")
        says = f"{error['msg'][:1].lower()}{error['msg'][1:]} (found {given})"
    return found.problem(place, says)


def _keys(cls: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    """The keys that are allowed at a place of a model."""
    here: Any = cls
    for part in place:
        if isinstance(part, int) or not (isinstance(here, type) and issubclass(here, BaseModel)):
            continue
        fields = {info.alias or name: info for name, info in here.model_fields.items()}
        if part in fields:
            here = _model_in(fields[part].annotation)
    if isinstance(here, type) and issubclass(here, BaseModel):
        return [info.alias or name for name, info in here.model_fields.items()]
    return []


def _model_in(annotation: Any) -> Any:
    """The model inside `list[Model]`, `dict[str, Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None


def _read_head(source: Source) -> None:
    if not source.folder.is_dir():
        names = ", ".join(shipped_names())
        says = f"there is no such checklist; shipped are: {names}. Or name a folder with a checklist.yaml"
        source.problems.append(Problem(shown(source.folder), 0, "", says))
        return
    found = document(source.folder / "checklist.yaml", source.problems)
    if found is None:
        return
    head = shaped(ChecklistModel, found, source.problems)
    if head is None:
        return
    source.head, source.head_document = head, found
    if head.settings_from:
        _read_borrowed(source, head, found)
    source.settings.update({name: (model, found) for name, model in head.settings.items()})


def _read_borrowed(source: Source, head: ChecklistModel, found: Document) -> None:
    """The settings (and the host, where there is none) of the checklist named in `settings_from`."""
    beside = source.folder.parent / head.settings_from
    folder = beside if (beside / "checklist.yaml").is_file() else checklists_folder() / head.settings_from
    if not (folder / "checklist.yaml").is_file():
        source.problems.append(found.problem(("settings_from",), f"there is no checklist {head.settings_from!r}"))
        return
    other_document = document(folder / "checklist.yaml", source.problems)
    other = shaped(ChecklistModel, other_document, source.problems) if other_document else None
    if other is None or other_document is None:
        return
    if other.settings_from:
        source.problems.append(found.problem(("settings_from",), f"{head.settings_from!r} borrows its own settings"))
    source.settings.update({name: (model, other_document) for name, model in other.settings.items()})


def _read_phases(source: Source, head: ChecklistModel) -> None:
    for index, name in enumerate(head.phases):
        path = source.folder / name
        if "/" in name or "\\" in name or not name.endswith(".yaml"):
            place = ("phases", index)
            if source.head_document:
                source.problems.append(source.head_document.problem(place, "expected a .yaml file of this folder"))
            continue
        found = document(path, source.problems)
        model = shaped(PhaseFileModel, found, source.problems) if found else None
        if found is not None and model is not None:
            source.phases.append(PhaseSource(found, model))


def profiles_path(folder: Path) -> Path:
    """Where the profiles of a checklist stand: in its folder, beside it, or the shipped ones."""
    for path in (folder / "profiles.yaml", folder.parent / "profiles.yaml"):
        if path.is_file():
            return path
    return checklists_folder() / "profiles.yaml"


def _read_profiles(source: Source) -> None:
    path = profiles_path(source.folder)
    if not path.is_file():
        return
    found = document(path, source.problems)
    if found is None:
        return
    source.profiles_file = found.file
    data = found.data if isinstance(found.data, dict) else {}
    if not data:
        source.problems.append(found.problem((), "expected profiles by name"))
    for name, profile in data.items():
        if isinstance(profile, dict):
            source.profiles[name] = profile
        else:
            source.problems.append(found.problem((name,), "expected a mapping of names"))
