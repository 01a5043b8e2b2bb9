"""Lines of the host on the screen: the newest that were there, then what comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from iris_migrate.tui.widgets.lines import ShownLine

if TYPE_CHECKING:
    from iris_migrate.connections.host.connection import HostConnection, Line

PAST = 200  # lines of the past that are shown first


class Hides(Protocol):
    def hide(self, text: str) -> str:
        """A text without the values of secrets."""
        ...


async def following(
    connection: HostConnection,
    secrets: Hides,
    units: Sequence[str] = (),
    files: Sequence[str] = (),
    *,
    past: int = PAST,
) -> AsyncIterator[list[ShownLine]]:
    """Batches of lines of units (an empty name: all of the journal) and files, each from its newest on, without end."""
    from iris_migrate.connections.host.connection import File, Journal

    journals = []
    for unit in units:
        lines = await connection.journal(unit, limit=past)
        journals.append(Journal(unit, lines[-1].cursor if lines else ""))
        yield [shown(line, secrets) for line in lines]
    async with aclosing(connection.follow(*journals, *(File(path) for path in files))) as batches:
        async for batch in batches:
            yield [shown(line, secrets) for line in batch]


def shown(line: Line, secrets: Hides) -> ShownLine:
    """A line of the host as it is shown; files have no program to name."""
    who = f"{line.source or line.unit}[{line.pid}]: " if line.pid else ""
    return ShownLine(secrets.hide(who + line.text), line.priority, line.time, line.unit)
