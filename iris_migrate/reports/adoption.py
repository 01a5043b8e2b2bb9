"""What a host told about settings, as lines and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from iris_migrate.engine.adoption import Told
from iris_migrate.language.checklist import SettingValue


def adoption_lines(told: Mapping[str, Told], usual: Mapping[str, SettingValue]) -> Iterator[str]:
    """Each setting with its value, what it would have been, and what told it."""
    yield "Found on the host"
    wide = max((len(name) for name in told), default=0)
    for name, item in told.items():
        if item.wrong:
            yield f"  {name:{wide}}  not taken over: {item.wrong} ({item.where})"
            continue
        known = usual[name]
        if known.value == item.value:
            beside = ""
        elif known.origin in ("file", "flag"):
            beside = f"  [your settings say {known.value}]"
        else:
            beside = f"  [else {known.value or 'empty'}]"
        yield f"  {name:{wide}}  {item.value}{beside}  ({item.where})"


def adoption_document(told: Mapping[str, Told], usual: Mapping[str, SettingValue]) -> dict[str, Any]:
    """The same as plain data."""
    return {
        name: {"value": item.value, "where": item.where, "wrong": item.wrong, "usual": usual[name].value,
               "origin": usual[name].origin}
        for name, item in told.items()
    }  # fmt: skip
