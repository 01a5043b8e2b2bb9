"""A checklist by name: compiled, or fetched from the cache when nothing changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iris_migrate.language import cache as kept
from iris_migrate.language.checklist import Checklist
from iris_migrate.language.data import checklist_folder
from iris_migrate.language.settings import locate, open_to_others
from iris_migrate.values import digest


def load(
    name_or_folder: str,
    *,
    flags: Mapping[str, str] | None = None,
    settings_file: Path | None = None,
    discovered: Mapping[str, Any] | None = None,
    cache: Path | None = None,
) -> Checklist:
    """The compiled checklist of a shipped name or a folder.

    `cache` is the folder of compiled checklists, by default the user's. Raises ChecklistError or SettingsError
    with every problem found.
    """
    folder = checklist_folder(name_or_folder)
    path = locate(settings_file)
    given = json.dumps([dict(flags or {}), dict(discovered or {})], sort_keys=True, default=list)
    inputs = kept.files(folder, path)
    place = (kept.program(), str(Path.cwd()), str(folder), str(path or ""))
    key = digest(*place, given, *(part for name, data in inputs for part in (name, data)))
    compiled_folder = kept.folder_of(cache)
    checklist = kept.fetch(compiled_folder, key)
    if checklist is None:
        from iris_migrate.language.compile import compiled

        checklist = compiled(name_or_folder, flags or {}, path, discovered or {})
        kept.keep(compiled_folder, key, checklist)
    _refuse_open_secrets(checklist, path)
    return checklist


def _refuse_open_secrets(checklist: Checklist, settings_file: Path | None) -> None:
    """Modes change without the settings changing, so this is asked at each load."""
    for name, source in checklist.secrets.items():
        wrong = open_to_others(Path(source.where)) if source.how == "file" else ""
        if wrong:
            from iris_migrate.language.errors import Problem, SettingsError

            raise SettingsError([Problem(str(settings_file or "settings"), 0, name, wrong)])
