"""Lines of different logs made alike: when, how bad, from where. nginx writes its times and levels in its own ways."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from iris_migrate.tui.telling import Row
from iris_migrate.tui.widgets.lines import ShownLine

_ACCESS = re.compile(r'\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "([^"]*)" (\d{3}) (\d+|-)')
_ERROR = re.compile(r"^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(\w+)\] ")
_LEVELS = {"emerg": 0, "alert": 1, "crit": 2, "error": 3, "warn": 4, "notice": 5, "info": 6, "debug": 7}
LEVEL_NAMES = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")


def of_file(text: str, source: str, arrived: float) -> ShownLine:
    """A line of a file: nginx' own time and level where it tells them, else when it arrived."""
    if found := _ACCESS.search(text):
        status = int(found[3])
        level = 3 if status >= 500 else 4 if status >= 400 else 6
        return ShownLine(text, level, _time(found[1], "%d/%b/%Y:%H:%M:%S %z", arrived), source)
    if found := _ERROR.match(text):
        return ShownLine(text, _LEVELS.get(found[2], 6), _time(found[1], "%Y/%m/%d %H:%M:%S", arrived), source)
    return ShownLine(text, 6, arrived, source)


def _time(text: str, form: str, otherwise: float) -> float:
    try:
        return datetime.strptime(text, form).timestamp()
    except ValueError:
        return otherwise


def field_rows(line: ShownLine) -> Iterator[Row]:
    """A line in its parts; JSON in it is taken apart."""
    yield Row("time", datetime.fromtimestamp(line.time).isoformat(sep=" ", timespec="milliseconds"))
    yield Row("from", line.source)
    yield Row("level", LEVEL_NAMES[min(max(line.level, 0), 7)])
    if found := _ACCESS.search(line.text):
        yield from (
            Row(name, value) for name, value in zip(("request", "status", "bytes"), found.groups()[1:], strict=True)
        )
    data = _json(line.text)
    if data is None:
        yield Row("text", line.text)
        return
    for name, value in data.items():
        yield Row(str(name), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _json(text: str) -> dict[str, Any] | None:
    at = text.find("{")
    if at < 0:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(text[at:])
    except ValueError:
        return None
    return found if isinstance(found, dict) and found else None
