"""Settings as they are being made: from flags, file, discovery and typing; checked one by one; written to the file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_migrate.engine.discovery import Filled
from iris_migrate.language.errors import LanguageError
from iris_migrate.language.load import load
from iris_migrate.language.setting_values import from_text, wrong_with
from iris_migrate.language.settings import FILE_NAME, SettingDeclaration, declarations, locate, write

_GIVEN = ("typed", "file", "discovered")


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: its text as it would be typed, where it came from, and what is wrong with it."""

    declared: SettingDeclaration
    text: str
    origin: str  # typed | flag | file | discovered | default
    where: str = ""  # for what was discovered
    wrong: str = ""

    @property
    def name(self) -> str:
        return self.declared.name


class Draft:
    """The settings of one checklist. Reading and writing block: use a thread."""

    def __init__(
        self, checklist: str, *, flags: Mapping[str, str], settings_file: Path | None, state: Path,
        found: Mapping[str, Filled],
    ) -> None:  # fmt: skip
        self.path = locate(settings_file) or Path(FILE_NAME)
        self._checklist, self._flags, self._settings_file, self._found = checklist, flags, settings_file, found
        self._secrets = state.absolute() / "secrets"
        self._declared = {item.name: item for item in declarations(checklist)}
        self._typed: dict[str, str] = {}
        self._rows: dict[str, Row] = {}
        self.problem = ""  # of the settings as a whole
        self._read()

    # Reading

    def rows(self) -> tuple[Row, ...]:
        return tuple(self._rows.values())

    def row(self, name: str) -> Row:
        return self._rows[name]

    @property
    def complete(self) -> bool:
        return not any(row.wrong for row in self._rows.values())

    def _read(self) -> None:
        """Values and origins as loading gives them; where it refuses, what stands in the file and the defaults."""
        discovered = {name: value for name, (value, wrong) in self._discovered().items() if not wrong}
        try:
            checklist = load(
                self._checklist, flags=self._flags, settings_file=self._settings_file, discovered=discovered
            )
        except LanguageError as error:
            self.problem = str(error)
            known = {name: (item.default, "default") for name, item in self._declared.items()}
            sources: Mapping[str, Any] = {}
        else:
            known = {name: (value.value, value.origin) for name, value in checklist.settings.items()}
            sources = checklist.secrets
        in_file = self._in_file()
        for name, item in self._declared.items():
            value, origin = known.get(name, (item.default, "default"))
            if item.secret and name in sources:
                value = {sources[name].how: sources[name].where}
                origin = "default"
            if name in in_file and (item.secret or self.problem):
                value, origin = in_file[name], "file"
            if item.secret and origin == "default" and name in discovered:
                value, origin = discovered[name], "discovered"
            if name in self._flags:
                value, origin = from_text(item, self._flags[name])[0], "flag"
            where = self._found[name].where if origin == "discovered" else ""
            self._rows[name] = Row(item, as_text(item, value), origin, where, self._wrong(item, value, origin))

    def _wrong(self, item: SettingDeclaration, value: Any, origin: str) -> str:
        if item.required and value in (None, ""):
            return "this has to be given"
        if item.secret or value is None or (origin == "default" and "{{" in str(value)):
            return ""
        return wrong_with(item, value)

    def _in_file(self) -> dict[str, Any]:
        """The settings file's own values, nested names joined. What cannot be read, loading has complained about."""
        import yaml

        try:
            data = yaml.safe_load(self.path.read_text())
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            return {}
        flat: dict[str, Any] = {}

        def walk(table: Any, prefix: str) -> None:
            for key, value in table.items() if isinstance(table, dict) else ():
                name = f"{prefix}{key}"
                if isinstance(value, dict) and name not in self._declared:
                    walk(value, f"{name}.")
                else:
                    flat[name] = value

        walk(data, "")
        return flat

    def _discovered(self) -> dict[str, tuple[Any, str]]:
        """What was found, as values of the declared types; a secret as the file that will hold it."""
        values: dict[str, tuple[Any, str]] = {}
        for name, filled in self._found.items():
            if (item := self._declared.get(name)) is None:
                continue
            if item.secret:
                values[name] = {"file": str(self._secrets / name)}, ""
                continue
            value, wrong = from_text(item, filled.value)
            values[name] = value, wrong or wrong_with(item, value)
        return values

    # Typing

    def type(self, name: str, text: str) -> Row:
        """Take a typed text over, as it stands; the row says what is wrong with it."""
        item = self._declared[name]
        value, wrong = from_text(item, text)
        wrong = wrong or ("" if item.secret else wrong_with(item, value))
        if not wrong and item.required and not text:
            wrong = "this has to be given"
        self._typed[name] = text
        self._rows[name] = Row(item, text, "typed", "", wrong)
        return self._rows[name]

    def reset(self, name: str) -> Row:
        """Put a setting back to what it was before typing."""
        self._typed.pop(name, None)
        typed = dict(self._typed)
        self._read()
        for other, text in typed.items():
            self.type(other, text)
        return self._rows[name]

    # Writing

    def save(self) -> Path:
        """Write what is not a default or a flag; secrets that were found go into files of their own, mode 0600.

        Raises LanguageError when the settings do not fit together, OSError when they cannot be written.
        """
        values: dict[str, Any] = {}
        for name, row in self._rows.items():
            if row.origin in _GIVEN:
                values[name] = from_text(row.declared, row.text)[0]
                if row.declared.secret and row.origin == "discovered":
                    keep_secret(self._secrets / name, self._found[name].value)
        known = {**self._others(), **self._declared}
        kept = {name: value for name, value in self._in_file().items() if name in known and name not in self._declared}
        write(self.path, {**values, **kept}, known.values())
        load(self._checklist, flags=self._flags, settings_file=self._settings_file or self.path)
        self._typed.clear()
        return self.path

    def _others(self) -> dict[str, SettingDeclaration]:
        """What other checklists declare: one file may hold their settings too."""
        from iris_migrate.language.data import shipped_names

        return {item.name: item for name in shipped_names() for item in declarations(name)}


def as_text(declared: SettingDeclaration, value: Any) -> str:
    """A value as one would type it."""
    if value is None:
        return ""
    if declared.secret and isinstance(value, dict):
        how, where = next(iter(value.items()))
        return "prompt" if how == "prompt" else f"{how}:{where}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return json.dumps(list(value), ensure_ascii=False) if any("," in str(one) for one in value) else ",".join(value)
    return str(value)


def keep_secret(path: Path, value: str) -> None:
    """Write a secret to a file that only its owner can read, in one move."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(value)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
