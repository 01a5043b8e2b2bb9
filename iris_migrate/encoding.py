"""Changes and findings as plain JSON data and back, for the record; the digest of a Change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from iris_migrate.changes import KINDS, AwsRead, Change
from iris_migrate.findings import Evidence, Finding, Verdict
from iris_migrate.values import AnswerRef, Archived, Kept, Secret, StepKey, Text, Unresolved, digest

_TAGGED: dict[str, type[Any]] = {
    "$unresolved": Unresolved, "$answer": AnswerRef, "$secret": Secret, "$kept": Kept, "$text": Text, "$read": AwsRead,
    "$archived": Archived,
}  # fmt: skip
_TAGS = {cls: tag for tag, cls in _TAGGED.items()}


def encode(value: Any) -> Any:
    """Plain data for JSON; specials become one-key mappings whose key starts with `$`."""
    if is_dataclass(value) and not isinstance(value, type):
        data = {field.name: encode(getattr(value, field.name)) for field in fields(value)}
        if isinstance(value, Change):
            return {"$change": type(value).kind, **data}
        return {_TAGS[type(value)]: data} if type(value) in _TAGS else data
    if isinstance(value, Mapping):
        return {str(name): encode(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(encode(item) for item in value)
    if isinstance(value, bytes):
        raise TypeError("bytes have no place in a Change or a Finding")
    return value


def decode(data: Any) -> Any:
    """The reverse of `encode` for Changes and specials; sequences come back as tuples."""
    if isinstance(data, list):
        return tuple(decode(item) for item in data)
    if not isinstance(data, dict):
        return data
    if "$change" in data:
        cls = KINDS[data["$change"]]
        return cls(**{name: decode(item) for name, item in data.items() if name != "$change"})
    if len(data) == 1 and (tag := next(iter(data))) in _TAGGED:
        return _TAGGED[tag](**{name: decode(item) for name, item in data[tag].items()})
    return {name: decode(item) for name, item in data.items()}


def decode_finding(data: Mapping[str, Any]) -> Finding:
    """A finding from what `encode` made of it."""
    plain = {**data, "verdict": Verdict(data["verdict"])}
    plain["evidence"] = tuple(Evidence(**{**item, "verdict": Verdict(item["verdict"])}) for item in data["evidence"])
    return Finding(**plain)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no blanks: equal text for equal values."""
    return json.dumps(encode(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def change_id(key: StepKey, results: int, change: Change) -> str:
    """The id of a Change: digest of the step, its results so far, and the unfilled Change.

    After a crash the same Change has the same id; after a recorded result (a retry, or the next Change of a
    list) it has another.
    """
    return digest(key.migration, key.step, str(key.generation), str(results), canonical(change))[:32]
