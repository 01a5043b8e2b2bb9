"""Values of settings: chosen by origin, checked against their declaration, secrets kept as sources."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from iris_migrate.language.checklist import SecretSource
from iris_migrate.language.document import Document, Place
from iris_migrate.language.errors import Problem, known
from iris_migrate.language.settings import SettingDeclaration, open_to_others

_SOURCE = "a secret is only named here by its source: {env: NAME}, {file: path} or {prompt: true}"


@dataclass(frozen=True, slots=True)
class Given:
    """A raw value with its origin (flag | file | discovered | default) and where it stands."""

    value: Any
    origin: str
    file: str = ""
    line: int = 0


def choose(
    declared: Mapping[str, SettingDeclaration],
    flags: Mapping[str, str],
    found: Document | None,
    discovered: Mapping[str, Any],
    elsewhere: Callable[[], frozenset[str]],
) -> tuple[dict[str, Given], list[Problem]]:
    """The raw value of each setting that somebody gives: flag before file before discovered.

    `elsewhere` names the settings of other checklists, which one file may hold too.
    """
    problems: list[Problem] = []
    chosen = {name: Given(value, "discovered", "discovered") for name, value in discovered.items() if name in declared}
    if found is not None:
        for name, place, value in _flat(declared, found):
            if name in declared:
                chosen[name] = Given(value, "file", found.file, found.line(place))
            elif name not in elsewhere():
                problems.append(
                    Problem(found.file, found.line(place), name, f"unknown setting; {known(name, declared)}")
                )
    for name, text in flags.items():
        if name in declared:
            value, wrong = from_text(declared[name], text)
            if wrong:
                problems.append(Problem("command line", 0, name, wrong))
            else:
                chosen[name] = Given(value, "flag", "command line")
        elif name not in elsewhere():
            problems.append(Problem("command line", 0, name, f"unknown setting; {known(name, declared)}"))
    return chosen, problems


def _flat(declared: Mapping[str, SettingDeclaration], found: Document) -> list[tuple[str, Place, Any]]:
    """Names of a settings file, written `a.b: 1` or nested `a: {b: 1}`."""
    groups = {name[:cut] for name in declared for cut in range(len(name)) if name[cut] == "."}
    flat: list[tuple[str, Place, Any]] = []

    def walk(data: Mapping[str, Any], prefix: str, place: Place) -> None:
        for key, value in data.items():
            name = f"{prefix}{key}"
            if isinstance(value, dict) and name not in declared and (name in groups or not _is_source(value)):
                walk(value, f"{name}.", (*place, key))
            else:
                flat.append((name, (*place, key), value))

    if isinstance(found.data, dict):
        walk(found.data, "", ())
    return flat


def _is_source(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("env", "file", "prompt")


def from_text(declared: SettingDeclaration, text: str) -> tuple[Any, str]:
    """A flag's text as a value of the declared type, and what is wrong with it ("" when nothing is)."""
    if declared.secret:
        how, _, where = text.partition(":")
        value = {how: True if how == "prompt" else where}
        return value, source_problem(value)
    match declared.type:
        case "int" | "port":
            return (int(text), "") if re.fullmatch(r"-?[0-9]{1,18}", text) else (None, "expected a whole number")
        case "bool":
            return (text == "true", "") if text in ("true", "false") else (None, "expected true or false")
        case "list":
            if not text.startswith("["):
                return [item.strip() for item in text.split(",") if item.strip()], ""
            try:
                return json.loads(text), ""
            except ValueError:
                return None, "expected a list: a,b,c or a JSON list"
    return text, ""


def wrong_with(declared: SettingDeclaration, value: Any) -> str:
    """What is wrong with a value, as a sentence; "" when nothing is."""
    if not _has_type(declared.type, value):
        quoted = "; put it in quotes" if isinstance(value, int | float) and declared.type not in ("list",) else ""
        return f"expected {_TYPES[declared.type]}, found {_shown(value)}{quoted}"
    items = value if isinstance(value, list | tuple) else [value]
    for item in items:
        if isinstance(item, str) and any(ord(mark) < 32 and mark not in "\t\n" for mark in item):
            return "control characters are not allowed"
        if declared.pattern and isinstance(item, str) and not re.fullmatch(declared.pattern, item):
            like = f"something like {declared.example}, by " if declared.example else ""
            return f"{_shown(item)} does not fit; expected {like}the pattern {declared.pattern}"
        if declared.choices and item not in declared.choices:
            return f"{_shown(item)} is not among the choices; {known(str(item), declared.choices)}"
        if isinstance(item, int) and declared.minimum is not None and item < declared.minimum:
            return f"{item} is too small; expected at least {declared.minimum}"
        if isinstance(item, int) and declared.maximum is not None and item > declared.maximum:
            return f"{item} is too large; expected at most {declared.maximum}"
    return _misformed(declared.type, value) if isinstance(value, str) and value else ""


_TYPES = {
    "str": "text", "choice": "text", "path": "a path", "cidr": "an address range like 192.0.2.7/32",
    "url": "an address like https://example.com/", "email": "an address like someone@example.com",
    "domain": "a name like api.example.com", "int": "a whole number", "port": "a port between 1 and 65535",
    "bool": "true or false", "list": "a list of texts",
}  # fmt: skip
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


def _has_type(kind: str, value: Any) -> bool:
    match kind:
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "port":
            return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535
        case "bool":
            return isinstance(value, bool)
        case "list":
            return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    return isinstance(value, str)


def _misformed(kind: str, value: str) -> str:
    """What is wrong with the form of a text that is not empty (empty means: not used)."""
    match kind:
        case "cidr":
            try:
                ipaddress.ip_network(value, strict=False)
                fits = "/" in value
            except ValueError:
                fits = False
        case "url":
            try:
                parts = urlsplit(value)
                fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.password
            except ValueError:
                fits = False
        case "email":
            fits = re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None
        case "domain":
            fits = _DOMAIN.fullmatch(value) is not None
        case "path":
            fits = "\n" not in value and "\0" not in value
        case _:
            fits = True
    return "" if fits else f"{_shown(value)} does not fit; expected {_TYPES[kind]}"


def _shown(value: Any) -> str:
    return repr(value)[:60] if isinstance(value, str | int | float | bool) else f"a {type(value).__name__}"


def source_problem(value: Any) -> str:
    """What is wrong with the source of a secret; never repeats what was written there."""
    if not _is_source(value):
        return _SOURCE
    how, where = next(iter(value.items()))
    if how == "prompt":
        return "" if where is True or (isinstance(where, str) and where) else "expected {prompt: true}"
    if not isinstance(where, str) or not where:
        return _SOURCE
    if how == "env":
        return "" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", where) else "expected the name of an environment variable"
    return open_to_others(Path(where))


def secret_source(declared: SettingDeclaration, value: Any) -> SecretSource:
    """The source of a secret; without one it is asked for."""
    if value is None:
        return SecretSource(declared.name, "prompt", declared.description)
    how, where = next(iter(value.items()))
    if how == "prompt":
        return SecretSource(declared.name, how, where if isinstance(where, str) else declared.description)
    return SecretSource(declared.name, how, where)
