"""What parameters and Changes may hold besides plain data: names of things known later, or kept secret."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StepKey:
    """Names one thing that a step makes once: the generation grows when the recorded thing was seen gone."""

    migration: str
    step: str
    generation: int = 0

    @property
    def token(self) -> str:
        """An idempotency token for AWS: 32 hexadecimal characters, the same for the same key."""
        return digest(self.migration, self.step, str(self.generation))[:32]


@dataclass(frozen=True, slots=True)
class Unresolved:
    """An output of another step that is not known yet."""

    step: str
    name: str

    def __str__(self) -> str:
        return f"‹{self.step}.{self.name}›"


@dataclass(frozen=True, slots=True)
class AnswerRef:
    """An answer of an earlier Change of the same list; `{}` in the template stands for it."""

    answer: str
    template: str = "{}"

    def __str__(self) -> str:
        return self.template.replace("{}", f"‹{self.answer}›")


@dataclass(frozen=True, slots=True)
class Secret:
    """The name of a secret; its value is filled in by the executor while sending and stands nowhere else.

    `item` names one of several values separated by commas (the first is 0): a client sends one key of those accepted.
    """

    name: str
    item: int | None = None

    def __str__(self) -> str:
        return f"‹secret {self.name}›"

    def pick(self, value: str) -> str:
        """What this names in the secret's whole value; IndexError when there are fewer items."""
        return value if self.item is None else value.split(",")[self.item].strip()


@dataclass(frozen=True, slots=True)
class Kept:
    """What stood in a file before the Change with this id replaced it."""

    change: str

    def __str__(self) -> str:
        return f"‹kept before {self.change[:8]}›"


@dataclass(frozen=True, slots=True)
class Archived:
    """What lies in an archive, filled in while sending: an item's bytes, or JMESPath into it when it is JSON.

    `start` and `length` pick a part of the bytes (0: to the end).
    """

    folder: str
    item: str
    expression: str = ""
    start: int = 0
    length: int = 0

    def __str__(self) -> str:
        return f"‹archived {self.item}{f': {self.expression}' if self.expression else ''}›"


Special = Unresolved | AnswerRef | Secret | Kept | Archived
SPECIALS = (Unresolved, AnswerRef, Secret, Kept, Archived)


@dataclass(frozen=True, slots=True)
class Text:
    """A string with specials inside. `str()` shows them by name, `fill` replaces them."""

    parts: tuple[str | Special, ...]

    def __str__(self) -> str:
        return "".join(str(part) for part in self.parts)


def text(*parts: str | Special | Text) -> str | Text:
    """Join parts; plain `str` when nothing special is inside."""
    flat: list[str | Special] = []
    for part in parts:
        pieces: tuple[str | Special, ...] = part.parts if isinstance(part, Text) else (part,)
        for piece in pieces:
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            elif piece != "":
                flat.append(piece)
    if all(isinstance(piece, str) for piece in flat):
        return "".join(str(piece) for piece in flat)
    return Text(tuple(flat))


def specials(value: Any) -> Iterator[Special]:
    """Every special inside a value: mappings, sequences, Text and frozen dataclasses are searched."""
    if isinstance(value, SPECIALS):
        yield value
    elif isinstance(value, Text):
        yield from (part for part in value.parts if not isinstance(part, str))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from specials(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from specials(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from specials(getattr(value, field.name))


def unresolved(value: Any) -> tuple[Unresolved, ...]:
    """The outputs of other steps that a value waits for, each once, in order."""
    return tuple(dict.fromkeys(item for item in specials(value) if isinstance(item, Unresolved)))


def fill(value: Any, known: Callable[[Special], Any]) -> Any:
    """The same value with each special replaced by `known(special)`; what comes back as a special stays one.

    A special that is a whole value keeps the type of what replaces it; inside a Text it becomes a string.
    """
    if isinstance(value, SPECIALS):
        return known(value)
    if isinstance(value, Text):
        filled = [part if isinstance(part, str) else known(part) for part in value.parts]
        return text(*(part if isinstance(part, (*SPECIALS, Text)) else str(part) for part in filled))
    if isinstance(value, Mapping):
        return {name: fill(item, known) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(fill(item, known) for item in value)
    return value


def digest(*parts: str | bytes) -> str:
    """SHA-256 over parts, unambiguous between their borders; hexadecimal."""
    sha = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        sha.update(len(data).to_bytes(8, "big"))
        sha.update(data)
    return sha.hexdigest()
