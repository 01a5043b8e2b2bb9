"""Which hosts a look will ask, as early as it can be told: they are reached while the program is still read."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from iris_migrate.connections.host.ahead import Ahead

if TYPE_CHECKING:
    from iris_migrate.language.checklist import Checklist


def begun(args: argparse.Namespace) -> dict[str, Ahead]:
    """A connection on its way to each host, by what `--host` says; `""` is the checklist's own. Raises ChecklistError.

    A host that only a step's look can tell is not reached ahead.
    """
    found = {name: Ahead(host, port) for name, host, port in _places(args)}
    if found:  # what the greeting needs is read first: the rest is read while it travels
        importlib.import_module("iris_migrate.connections.host.link")
    return found


def _places(args: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    named = [(name, *place_of(name)) for name in dict.fromkeys(args.host)]
    yield from (place for place in named if place[2])
    if named and all(port for _, _, port in named):
        return
    host = _loaded(args).host
    if host is None:
        return
    if not named and isinstance(host.address, str) and host.address:
        yield "", host.address, host.port
    yield from ((name, address, host.port) for name, address, port in named if not port)


def _loaded(args: argparse.Namespace) -> Checklist:
    from iris_migrate.arguments import options
    from iris_migrate.language.load import load

    given = options(args)
    return load(given.checklist, flags=given.flags, settings_file=given.settings_file())


def place_of(name: str) -> tuple[str, int]:
    """`ADDRESS[:PORT]` in its parts, port 0 where none is named; an IPv6 address with a port stands in brackets."""
    address, colon, port = name.rpartition(":")
    if colon and port.isdigit() and (":" not in address or address.startswith("[")):
        return address.strip("[]"), int(port)
    return name.strip("[]"), 0
