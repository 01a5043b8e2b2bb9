"""Apps that the benchmark of the screens opens: a checklist over files, a view of lines."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.screen import Screen

from iris_migrate.connections.host.journal import Line
from iris_migrate.language.checklist import Phase
from iris_migrate.tui.widgets.line_view import LineView
from tests.tui.sitting import LocalSession, SittingApp, step


class LinesApp(App[None]):
    """A view of lines and nothing else; what is there when it begins is not gone through again, as in the program."""

    def on_ready(self) -> None:
        gc.freeze()

    def compose(self) -> ComposeResult:
        yield LineView(show_time=True)

    @property
    def view(self) -> LineView:
        return self.query_one(LineView)


class ChecklistApp(SittingApp):
    def get_default_screen(self) -> Screen[Any]:
        """Nothing before the checklist: it is its own frame that is measured."""
        return Screen()

    @property
    def ready(self) -> bool:
        """The first picture is there."""
        from iris_migrate.tui.screens.checklist import ChecklistScreen

        return any(isinstance(screen, ChecklistScreen) and screen.awake for screen in self.screen_stack)


class Beating:
    """A host whose unit writes so many lines a second."""

    def __init__(self, rate: int) -> None:
        self._rate = rate

    async def journal(self, unit: str, **options: Any) -> list[Line]:
        return []

    async def follow(self, *sources: Any) -> AsyncIterator[list[Line]]:
        number = 0
        while True:
            await asyncio.sleep(1 / self._rate)
            number += 1
            yield [Line(time.time(), "unit", 7, 6, f"beat {number} {'x' * 90}", str(number), "program")]


def checklist(count: int, *, journal: int = 0) -> ChecklistApp:
    """A checklist of so many steps over files of a folder; with a journal it is opened at once."""
    folder = Path(tempfile.mkdtemp())
    phases = tuple(Phase(str(n), f"Phase {n}") for n in range(1, 9))
    size = max(1, count // 8)
    steps = [
        step(f"step-{n}", str(min(8, n // size + 1)), "note", journal=("unit",) if journal else (),
             with_={"path": str(folder / str(n)), "content": f"content {n}"}, why="It is kept as a file.")
        for n in range(count)
    ]  # fmt: skip
    app = ChecklistApp(LocalSession(folder, steps, phases))
    if journal:
        _beat(app, journal)
    return app


def _beat(app: ChecklistApp, rate: int) -> None:
    begin = app.local.begin

    async def begun(operator: Any) -> LocalSession:
        opened = await begin(operator)
        opened.target.host_connection = Beating(rate)  # type: ignore[attr-defined]
        app.run_worker(_open_journal(app))
        return opened

    app.local.begin = begun  # type: ignore[method-assign]


async def _open_journal(app: ChecklistApp) -> None:
    while not app.there:
        await asyncio.sleep(0.05)
    await app.page.action_pane_journal()


def resident() -> float:
    """Memory of this process that is in use, MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")
