"""Lines of the journal and of files: where they are read from, and what is made of them."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from iris_migrate.connections.host.errors import HostFailure
from iris_migrate.redact import clean, clean_bytes

FIELDS = "MESSAGE,PRIORITY,_PID,SYSLOG_IDENTIFIER,_SYSTEMD_UNIT,UNIT"
INFO = 6  # syslog's priority where none is told
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]+")


class Line(NamedTuple):
    """One line. `unit` is the unit or the file's path, `cursor` where to go on after it.

    A tuple, as there may be hundreds of thousands: a frozen dataclass takes four times as long to make.
    """

    time: float  # seconds since the epoch: the host's clock for the journal, ours for a file
    unit: str
    pid: int
    priority: int  # 0 emergency … 7 debug
    text: str
    cursor: str
    source: str = ""  # SYSLOG_IDENTIFIER


@dataclass(frozen=True, slots=True)
class Journal:
    """A unit's journal from after a cursor, or from now. An empty unit is all of the journal."""

    unit: str
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file from after a cursor (`inode:offset`; `0:0` is its beginning), or from its end. Rotation is followed."""

    path: str
    cursor: str = ""


def arguments(unit: str) -> str:
    """The words of journalctl that are the same for following and for a slice."""
    chosen = ""
    if unit:
        if not _UNIT.fullmatch(unit):
            raise HostFailure(f"{unit!r} cannot be the name of a unit.")
        chosen = f" -u {shlex.quote(unit)}"
    return f"-q --no-pager -a -o json --output-fields={FIELDS}{chosen}"


def entries(lines: Sequence[bytes]) -> list[Line]:
    """The lines that journald's JSON tells; what is none of its entries is left out."""
    found: list[Line] = []
    for entry in _decoded(lines):
        try:
            cursor, time = entry["__CURSOR"], int(entry["__REALTIME_TIMESTAMP"]) / 1e6
        except (ValueError, KeyError, TypeError):
            continue
        unit = _name(_one(entry.get("UNIT") or entry.get("_SYSTEMD_UNIT")))
        source = _name(_one(entry.get("SYSLOG_IDENTIFIER")))
        pid, priority = _number(_one(entry.get("_PID")), 0), _number(_one(entry.get("PRIORITY")), INFO)
        message = entry.get("MESSAGE")
        if isinstance(message, str) and message.isprintable():
            found.append(Line(time, unit, pid, priority, message, cursor, source))
            continue
        for text in _message(message).split("\n"):
            found.append(Line(time, unit, pid, priority, text, cursor, source))
    return found


def _decoded(lines: Sequence[bytes]) -> Iterator[Any]:
    """What the lines are in JSON. All in one go where all of them are; that takes half the time."""
    try:
        yield from json.loads(b"[%b]" % b",".join(lines))
    except ValueError:
        for line in lines:
            with contextlib.suppress(ValueError):
                yield json.loads(line)


def _message(value: Any) -> str:
    """A message: text, or bytes as numbers where it is no UTF-8 or holds controls; null where it is too large."""
    if isinstance(value, list) and value and all(isinstance(item, int) and 0 <= item < 256 for item in value):
        return clean_bytes(bytes(value)).rstrip("\n")
    return clean(_one(value)).rstrip("\n")


def _one(value: Any) -> str:
    """A field; one that an entry holds several times comes as a list."""
    if isinstance(value, str):
        return value
    while isinstance(value, list):
        value = value[0] if value else None
    return "" if value is None else str(value)


@lru_cache(1024)
def _name(text: str) -> str:
    """The name of a unit or a program: few different ones."""
    return clean(text)


@lru_cache(1024)
def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isdigit() else otherwise
