"""`logs`: the journal of a unit on the host, as it was and as it comes."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_migrate.connections.host.connection import HostConnection, Line
    from iris_migrate.engine.session import Session

DESCRIPTION = "Prints the journal of a unit on the host. With --follow it goes on until Ctrl-C."
LINES = 100  # of the past, when nothing else is asked for
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")
    parser.add_argument("--unit", metavar="NAME", help="a systemd unit (default: the service of the settings)")
    parser.add_argument("--follow", "-f", action="store_true", help="go on with what comes")
    parser.add_argument("--since", metavar="TIME", help="10m, 2h, 1d, or 2026-11-19T12:00 on this machine's clock")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.interruption import run_interruptible

    return run_interruptible(_logs(args))


async def _logs(args: argparse.Namespace) -> int:
    from iris_migrate.commands.session import looker, opened
    from iris_migrate.exits import OK, UsageError

    age = seconds_ago(args.since) if args.since else None
    async with opened(args, looker()) as session:
        unit = args.unit or str(session.setting("service.name", ""))
        if not unit:
            raise UsageError("This checklist names no service. Name the unit: --unit NAME.")
        connection = await session.reach()
        since = None if age is None else (await session.target.host.clock()).wall - age
        lines = await connection.journal(unit, since=since, limit=100_000 if age is not None else LINES)
        _print(session, lines)
        if args.follow:
            await _follow(session, connection, unit, lines[-1].cursor if lines else "")
    return OK


async def _follow(session: Session, connection: HostConnection, unit: str, cursor: str) -> None:
    from contextlib import aclosing

    from iris_migrate.connections.host.connection import Journal

    async with aclosing(connection.follow(Journal(unit, cursor))) as batches:
        async for lines in batches:
            _print(session, lines)


def _print(session: Session, lines: Sequence[Line]) -> None:
    from datetime import datetime

    from iris_migrate.reports.show import show_lines

    shown = []
    for line in lines:
        at = datetime.fromtimestamp(line.time).isoformat(sep=" ", timespec="milliseconds")
        shown.append(session.secrets.hide(f"{at} {line.source or line.unit}[{line.pid}]: {line.text}"))
    show_lines(shown)


def seconds_ago(text: str) -> float:
    """The age that `--since` means. Raises UsageError."""
    from datetime import datetime

    from iris_migrate.exits import UsageError

    if found := re.fullmatch(r"([0-9]+)\s*(s|m|min|h|d)", text.strip()):
        return float(found[1]) * _UNITS[found[2]]
    try:
        return max(0.0, datetime.now().timestamp() - datetime.fromisoformat(text).timestamp())
    except ValueError:
        raise UsageError(
            f"--since {text}: expected an age like 10m, 2h, 1d, or a time like 2026-11-19T12:00."
        ) from None
