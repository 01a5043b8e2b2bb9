"""Data cases: reading them (README.md says what may stand in one), and comparing plans with what is stated."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from iris_migrate import resources
from iris_migrate.changes import Change
from iris_migrate.findings import Finding, unknown
from iris_migrate.resources.base import Resource, resource_class
from iris_migrate.target import Unreadable
from iris_migrate.values import SPECIALS, AnswerRef, Archived, Kept, Secret, StepKey, Text, Unresolved, text
from tests.resources.target import CaseTarget

FOLDER = Path(__file__).parent
KEYS = {
    "resource", "about", "with", "key", "now", "facts", "expect", "plan", "after", "after_expect", "undo",
    "undo_refuses", "back", "secrets",
}  # fmt: skip
NOW = 1_800_000_000.0


@dataclass(frozen=True)
class Containing:
    """`!contains text`: equal to every string in which the text stands."""

    piece: str

    def __eq__(self, other: object) -> bool:
        return self.piece in str(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Token:
    """`!token`: the token of the case's step key."""


class CaseLoader(yaml.SafeLoader):
    """YAML with tags for specials."""


def _pair(node: yaml.ScalarNode) -> list[str]:
    return str(node.value).split(" ", 1)


CaseLoader.add_constructor("!unresolved", lambda _loader, node: Unresolved(*node.value.split(".", 1)))
CaseLoader.add_constructor("!secret", lambda _loader, node: Secret(node.value))
CaseLoader.add_constructor("!answer", lambda _loader, node: AnswerRef(*_pair(node)))
CaseLoader.add_constructor("!kept", lambda _loader, node: Kept(node.value))
CaseLoader.add_constructor("!archived", lambda _loader, node: Archived(*str(node.value).split(" ", 2)))
CaseLoader.add_constructor("!text", lambda loader, node: text(*loader.construct_sequence(node, deep=True)))
CaseLoader.add_constructor("!contains", lambda _loader, node: Containing(node.value))
CaseLoader.add_constructor("!token", lambda _loader, _node: Token())


@dataclass(frozen=True)
class Case:
    """One file: a desired state, what the world answers, and what follows."""

    name: str
    data: Mapping[str, Any]

    @property
    def cls(self) -> type[Resource]:
        return resource_class(self.data["resource"])

    @property
    def key(self) -> StepKey:
        stated = self.data.get("key") or {}
        return StepKey(**{"migration": "m1", "step": "step", **stated})

    @property
    def now(self) -> float:
        return float(self.data.get("now", NOW))

    def resource(self, **other: Any) -> Resource:
        """The resource as a compiled checklist would give it: lists are tuples."""
        with_ = {name: frozen(value) for name, value in (self.data.get("with") or {}).items()}
        return self.cls(**{**with_, **other}, key=self.key, now=self.now)

    def target(self, which: str = "facts") -> CaseTarget:
        """The world before (`facts`), after the plan (`after`), or after the undo (`back`)."""
        facts = self.data.get("facts") or {}
        if which != "facts":
            facts = merged(facts, self.data[which] or {})
        return CaseTarget(facts, self.now)

    def stated(self, name: str) -> Any:
        """A part of the case with tokens filled in."""
        return _with_token(self.data[name], self.key.token)


async def inspected(resource: Resource, target: CaseTarget) -> Finding:
    """What the resource finds; what it cannot read is unknown, as for the engine."""
    try:
        return await resource.inspect(target)
    except Unreadable as error:
        return unknown(str(error))


@cache
def cases() -> tuple[Case, ...]:
    """All cases, by path."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*/*.yaml")))


def _read(path: Path) -> Case:
    name = f"{path.parent.name}/{path.stem}"
    data = yaml.load(path.read_text(), CaseLoader)
    if unknown := set(data) - KEYS:
        raise ValueError(f"{name}: unknown keys {sorted(unknown)}; README.md lists what a case may hold")
    if missing := {"resource", "expect"} - set(data):
        raise ValueError(f"{name}: missing {sorted(missing)}")
    return Case(name, data)


@cache
def classes() -> tuple[type[Resource], ...]:
    """Every resource class below iris_migrate.resources."""
    found: dict[str, type[Resource]] = {}
    for module in pkgutil.walk_packages(resources.__path__, "iris_migrate.resources."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Resource) and value.kind and not inspect.isabstract(value):
                found[value.kind] = value
    return tuple(found[kind] for kind in sorted(found))


def frozen(value: Any) -> Any:
    """Lists as tuples, all the way down."""
    if isinstance(value, Mapping):
        return {name: frozen(item) for name, item in value.items()}
    return tuple(frozen(item) for item in value) if isinstance(value, list) else value


def merged(facts: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with later ones laid over them. In lists of calls and probes the later entries are looked at first."""
    result = dict(facts)
    for name, item in later.items():
        was = result.get(name)
        if name in _LISTS and isinstance(was, list) and isinstance(item, list):
            result[name] = [*item, *was]
        elif name in _TABLES and isinstance(was, Mapping):
            result[name] = {**was, **item}
        elif name in _SURFACES and isinstance(was, Mapping):
            result[name] = merged(was, item)
        else:
            result[name] = item
    return result


_SURFACES = {"host", "aws", "local", "web", "archives"}
_LISTS = {"aws", "calls", "shell", "run"}
_TABLES = {
    "stat", "digest", "text", "names", "newest", "unit", "package", "variables", "process", "filesystem", "git", "http",
    "search", "get", "resolve", "tls", "matches", "answers", "checklists",
    "manifest", "content", "problems",
}  # fmt: skip


def same(stated: Any, planned: Any, where: str = "") -> Iterator[str]:
    """How a planned value differs from what is stated. A stated string equals a special that reads like it."""
    if isinstance(stated, str) and isinstance(planned, (*SPECIALS, Text)):
        planned = str(planned)
    if isinstance(stated, Mapping) and isinstance(planned, Mapping):
        if set(stated) != set(planned):
            yield f"{where}: has {sorted(planned)}, stated {sorted(stated)}"
        for name in sorted(set(stated) & set(planned)):
            yield from same(stated[name], planned[name], f"{where}.{name}")
    elif isinstance(stated, list | tuple) and isinstance(planned, list | tuple):
        if len(stated) != len(planned):
            yield f"{where}: {len(planned)} items, stated {len(stated)}: {list(planned)!r}"
        for number, (one, other) in enumerate(zip(stated, planned, strict=False)):
            yield from same(one, other, f"{where}[{number}]")
    elif stated != planned or isinstance(stated, bool) != isinstance(planned, bool):
        yield f"{where}: {planned!r}, stated {stated!r}"


def changes_differ(stated: list[Mapping[str, Any]], planned: list[Change]) -> list[str]:
    """How a list of Changes differs from the stated one; of each Change the stated fields are compared."""
    problems = []
    if [item["kind"] for item in stated] != [change.kind for change in planned]:
        problems.append("planned:\n" + "\n".join(f"  {change!r}" for change in planned))
        return [f"kinds {[change.kind for change in planned]}, stated {[item['kind'] for item in stated]}", *problems]
    for number, (item, change) in enumerate(zip(stated, planned, strict=True)):
        known = {field.name for field in fields(change)}
        for name, value in item.items():
            if name == "kind":
                continue
            if name not in known:
                problems.append(f"change {number}: {change.kind} has no field {name!r}")
            else:
                problems += same(value, getattr(change, name), f"change {number} {name}")
    return problems


def _with_token(value: Any, token: str) -> Any:
    if isinstance(value, Token):
        return token
    if isinstance(value, Mapping):
        return {name: _with_token(item, token) for name, item in value.items()}
    return [_with_token(item, token) for item in value] if isinstance(value, list) else value
