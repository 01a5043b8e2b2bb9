"""Lines of the host on the screen: the newest that were there, then what comes."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from iris_migrate.engine.logs import MEMORY, LogSource, about_memory
from iris_migrate.target import Unreadable
from iris_migrate.tui.log_lines import of_file
from iris_migrate.tui.widgets.lines import ShownLine

if TYPE_CHECKING:
    from iris_migrate.connections.host.connection import File, HostConnection, Journal, Line

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


async def merged(
    connection: HostConnection, secrets: Hides, sources: Sequence[LogSource], tell: Callable[[str], None]
) -> AsyncIterator[list[ShownLine]]:
    """All these logs: what was there, in the order of time, then what comes. One that cannot be read is told."""

    names = {source.unit or source.path: source.name for source in sources}
    past: list[ShownLine] = []
    follow: list[Journal | File] = []

    def made(line: Line) -> ShownLine | None:
        name = names.get(line.unit)
        if line.cursor and line.unit.startswith("/"):
            return of_file(secrets.hide(line.text), name or line.unit, line.time)
        if about_memory(line.source, line.text):
            return shown(line, secrets)._replace(source=MEMORY)
        return None if name is None else shown(line, secrets)._replace(source=name)

    for source in sources:
        try:
            lines, going_on = await _past(connection, source)
        except Unreadable as error:
            tell(f"{source.name}: {error}")
            continue
        past += [line for line in map(made, lines) if line is not None]
        follow.append(going_on)
    yield sorted(past, key=lambda line: line.time)
    async with aclosing(connection.follow(*follow)) as batches:
        async for batch in batches:
            yield [line for line in map(made, batch) if line is not None]


async def _past(connection: HostConnection, source: LogSource) -> tuple[list[Line], Journal | File]:
    """The newest lines of a log, and what to follow so that none is left out and none comes twice."""
    from iris_migrate.connections.host.connection import File, Journal, Line

    if not source.path:
        lines = await connection.journal(source.unit, limit=PAST)
        return lines, Journal(source.unit, lines[-1].cursor if lines else "")
    path = shlex.quote(source.path)
    answer = await connection.facts.shell(
        f"s=$(stat -L -c '%i:%s %Y' -- {path}) || exit 0; echo \"$s\";"
        f" s=${{s%% *}}; head -c ${{s#*:}} -- {path} | tail -n {PAST} | tail -c 60000",
        root=True,
    )
    head, _, rest = answer.out.partition("\n")
    cursor, _, at = head.partition(" ")
    if not cursor:
        return [], File(source.path)
    return [Line(float(at), source.path, 0, 6, text, cursor) for text in rest.splitlines()], File(source.path, cursor)


def shown(line: Line, secrets: Hides) -> ShownLine:
    """A line of the host as it is shown; files have no program to name."""
    who = f"{line.source or line.unit}[{line.pid}]: " if line.pid else ""
    return ShownLine(secrets.hide(who + line.text), line.priority, line.time, line.unit)
