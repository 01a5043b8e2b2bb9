"""Compiled checklists kept by digest as JSON, so that an unchanged one loads without a parser."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from iris_migrate.encoding import decode, encode
from iris_migrate.language.checklist import Checklist, HostSpec, Phase, SecretSource, SettingValue, Step
from iris_migrate.values import digest

KEPT = 24  # files; the least recently used beyond that are removed
_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def program() -> str:
    """What the compiled form depends on besides its inputs: the program itself, as far as it compiles."""
    sources = [*_PACKAGE.glob("language/*.py"), *_PACKAGE.glob("resources/**/*.py"), _PACKAGE / "values.py"]
    return digest(*(_bytes(path) for path in sorted(sources)))


def files(folder: Path, *more: Path | None) -> list[tuple[str, bytes]]:
    """Everything a compiled checklist is made of, by name: the folder, what lies beside it, the settings file."""
    from iris_migrate.language.data import checklists_folder

    inside = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    parents = {folder.resolve().parent, checklists_folder()}
    beside = [path for parent in parents for path in (*parent.glob("*/checklist.yaml"), parent / "profiles.yaml")]
    named = {str(path): path for path in (*inside, *beside, *(path for path in more if path is not None))}
    return [(name, _bytes(path)) for name, path in sorted(named.items())]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def folder_of(cache: Path | None) -> Path:
    """The folder of the cache: the one named, else the user's."""
    if cache is not None:
        return cache
    from platformdirs import user_cache_path

    return user_cache_path("iris-migrate") / "checklists"


def fetch(folder: Path, key: str) -> Checklist | None:
    """The compiled checklist with this key, or None. Only a file that is ours alone is believed."""
    path = folder / f"{key}.json"
    try:
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            if stat.st_mode & 0o077 or (hasattr(os, "getuid") and stat.st_uid != os.getuid()):
                return None
            data = json.load(file)
        checklist = _checklist(data)
        os.utime(path)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # absent, damaged or of another shape: it is compiled anew
    return checklist


def keep(folder: Path, key: str, checklist: Checklist) -> None:
    """Keep a compiled checklist, 0600, in one move. A cache that cannot be written is no error."""
    import tempfile

    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".")  # mkstemp makes it 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(_plain(checklist), file, ensure_ascii=False, separators=(",", ":"))
        Path(temporary).replace(folder / f"{key}.json")
        _prune(folder.glob("*.json"))
    except OSError:
        return


def _prune(found: Iterable[Path]) -> None:
    by_age = sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_age[KEPT:]:
        path.unlink(missing_ok=True)


def _plain(checklist: Checklist) -> dict[str, Any]:
    return {field.name: encode(getattr(checklist, field.name)) for field in fields(checklist)}


def _checklist(data: Mapping[str, Any]) -> Checklist:
    host = data["host"]
    return Checklist(
        name=data["name"],
        title=data["title"],
        digest=data["digest"],
        phases=tuple(Phase(**item) for item in data["phases"]),
        steps=tuple(Step(**{name: decode(value) for name, value in item.items()}) for item in data["steps"]),
        settings={name: SettingValue(decode(item["value"]), item["origin"]) for name, item in data["settings"].items()},
        secrets={name: SecretSource(**item) for name, item in data["secrets"].items()},
        host=HostSpec(**{name: decode(value) for name, value in host.items()}) if host else None,
        region=data["region"],
    )
