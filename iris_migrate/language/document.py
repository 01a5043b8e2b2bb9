"""YAML read as data that still knows the line of each of its places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from iris_migrate.language.errors import Problem

Place = tuple[str | int, ...]

MAX_BYTES = 1 << 20
MAX_DEPTH = 40


if TYPE_CHECKING:
    _Fast = yaml.SafeLoader
else:
    _Fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML has it


class _Loader(_Fast):
    """Scalars as YAML 1.2 reads them: `0644`, `yes`, `22:80` and dates stay strings."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (PyYAML's own shape)


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"~|null|", ["~", "n", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?", "-+0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))

_SCALARS = {f"tag:yaml.org,2002:{name}" for name in ("str", "bool", "null", "int", "float")}


@dataclass(frozen=True)
class Document:
    """Parsed data with the line of each place, and the problems that reading it met."""

    file: str
    data: Any
    lines: dict[Place, int]
    problems: tuple[Problem, ...] = ()

    def line(self, place: Sequence[str | int]) -> int:
        """The line of a place, or of the nearest thing around it."""
        for length in range(len(place), -1, -1):
            if (found := self.lines.get(tuple(place[:length]))) is not None:
                return found
        return 1

    def problem(self, place: Sequence[str | int], says: str) -> Problem:
        return Problem(self.file, self.line(place), self.name(place), says)

    def name(self, place: Sequence[str | int]) -> str:
        """A place for people: `steps.elastic-ip.with.name`; an item that has an id is called by it."""
        parts: list[str] = []
        here = self.data
        for part in place:
            try:
                here = here[part]
            except (KeyError, IndexError, TypeError):
                here = None
            called = here.get("id") if isinstance(part, int) and isinstance(here, dict) else None
            parts.append(str(called if isinstance(called, str) else part))
        return ".".join(parts)


class _Refused(Exception):
    def __init__(self, line: int, says: str) -> None:
        super().__init__(says)
        self.line = line


class _Reader:
    def __init__(self, loader: _Loader, file: str) -> None:
        self.loader = loader
        self.file = file
        self.lines: dict[Place, int] = {}
        self.problems: list[Problem] = []

    def value(self, node: yaml.Node, place: Place) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(place, line)
        match node:
            case yaml.MappingNode() if node.tag == "tag:yaml.org,2002:map":
                return self._mapping(node, place)
            case yaml.SequenceNode() if node.tag == "tag:yaml.org,2002:seq":
                return [self.value(item, (*place, index)) for index, item in enumerate(node.value)]
            case yaml.ScalarNode() if node.tag in _SCALARS:
                try:
                    return self.loader.construct_object(node)
                except (ValueError, yaml.YAMLError):
                    raise _Refused(line, f"{str(node.value)[:40]!r} is not a value that can be read") from None
        raise _Refused(line, f"the tag {str(node.tag)[:60]!r} is not allowed; expected plain data")

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise _Refused(line, "expected a name as the key")
            key = str(key_node.value)
            if key in found:
                name = ".".join(str(part) for part in (*place, key))
                self.problems.append(Problem(self.file, line, name, f"the key {key!r} stands here twice"))
                continue
            self.lines[*place, key] = line
            found[key] = self.value(value_node, (*place, key))
        return found


def _bounded(text: str) -> None:
    """Refuse aliases and deep nesting before anything is built: building is recursive, in C too."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise _Refused(_line(event), "aliases (*name) are not allowed; write the value out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _Refused(_line(event), f"nested deeper than {MAX_DEPTH} levels")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 0


def parse(text: str, file: str) -> Document:
    """Read one YAML document. What cannot be read is in `problems`, with `data` None then."""

    def refuse(line: int, says: str) -> Document:
        return Document(file, None, {}, (Problem(file, line, "", says),))

    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return refuse(0, f"larger than {MAX_BYTES // 1024} KiB")
    try:
        _bounded(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            reader = _Reader(loader, file)
            data = reader.value(node, ()) if node is not None else None
        finally:
            loader.dispose()
    except _Refused as refused:
        return refuse(refused.line, str(refused))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 0
        return refuse(line, f"not valid YAML: {error.problem or error.context or 'unreadable'}")
    except (yaml.YAMLError, RecursionError) as error:
        return refuse(0, f"not valid YAML: {str(error).splitlines()[0] if str(error) else 'nested too deep'}")
    return Document(file, data, reader.lines, tuple(reader.problems))
