"""The settings of a checklist: what is declared, what is given, and where each value came from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE_NAME = "iris-migrate.yaml"
VARIABLE = "IRIS_MIGRATE_SETTINGS"


@dataclass(frozen=True, slots=True)
class SettingDeclaration:
    """What a checklist says about one of its settings. `default` may be a template over other settings."""

    name: str
    type: str
    description: str
    default: Any = None
    required: bool = False  # no default: must be given
    example: Any = None
    pattern: str = ""
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False
    discover: str = ""
    adopt: str = ""  # what of a host that was set up by hand tells it


def locate(settings_file: Path | None, environment: Mapping[str, str] | None = None) -> Path | None:
    """The settings file: the one named, else `./iris-migrate.yaml`, else the one in the user's config directory.

    None when there is none. A named file is returned whether it exists or not: reading it says what is wrong.
    """
    if settings_file is not None:
        return settings_file
    named = (os.environ if environment is None else environment).get(VARIABLE)
    if named:
        return Path(named)
    here = Path(FILE_NAME)
    if here.is_file():
        return here
    from platformdirs import user_config_path

    personal = user_config_path("iris-migrate") / "settings.yaml"
    return personal if personal.is_file() else None


def declarations(name: str) -> tuple[SettingDeclaration, ...]:
    """The settings that a checklist (shipped name or folder) takes, in their order. Raises ChecklistError."""
    from iris_migrate.language.errors import ChecklistError
    from iris_migrate.language.source import read_settings

    source = read_settings(name)
    if source.problems:
        raise ChecklistError(source.problems)
    return tuple(declaration(key, model) for key, (model, _) in source.settings.items())


def declaration(name: str, model: Any) -> SettingDeclaration:
    """A declaration from its model."""
    return SettingDeclaration(
        name=name,
        type=model.type,
        description=model.description,
        default=model.default,
        required=not model.has_default and not model.secret,
        example=model.example,
        pattern=model.pattern,
        minimum=model.min,
        maximum=model.max,
        choices=tuple(model.choices),
        secret=model.secret,
        discover=model.discover,
        adopt=model.adopt,
    )


def open_to_others(path: Path) -> str:
    """A sentence when a secret's file can be read by others; "" when it cannot, or is not there yet."""
    try:
        mode = path.expanduser().stat().st_mode & 0o777
    except OSError:
        return ""
    return f"{path} can be read by others (mode {mode:04o}); run: chmod 600 {path}" if mode & 0o077 else ""


def write(path: Path, values: Mapping[str, Any], declared: Iterable[SettingDeclaration]) -> None:
    """Write a settings file in one move: each value under its description; secrets only as their source.

    Raises ValueError for an undeclared name and for a secret that is not a source.
    """
    import json
    import tempfile

    from iris_migrate.language.setting_values import source_problem

    by_name = {item.name: item for item in declared}
    lines = [
        "# Settings of iris-migrate. A secret is only ever a source here: {env: NAME}, {file: path}, {prompt: true}."
    ]
    for name, value in values.items():
        if name not in by_name:
            raise ValueError(f"{name!r} is not a setting of this checklist")
        if by_name[name].secret and (wrong := source_problem(value)):
            raise ValueError(f"{name}: {wrong}")
        plain = list(value) if isinstance(value, tuple) else value
        description = " ".join(by_name[name].description.split())
        lines += ["", f"# {description}", f"{name}: {json.dumps(plain, ensure_ascii=False)}"]  # JSON is YAML
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
