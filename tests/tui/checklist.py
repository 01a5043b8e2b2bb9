"""At a checklist: waiting until it is ready, marks a step or asks; what its footer names."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from iris_migrate.engine.events import Status
from iris_migrate.tui.widgets.dialog import Dialog
from iris_migrate.tui.widgets.keys import KeyLine
from tests.tui.sitting import SittingApp
from tests.tui.steps import until


def shown(app: SittingApp) -> dict[str, str]:
    """The keys that the footer names, with their words."""
    return app.page.query_one(KeyLine).named


def status(app: SittingApp, name: str) -> Status | None:
    return app.page.board.status(name)


async def ready(pilot: Pilot[Any]) -> SittingApp:
    app = pilot.app
    assert isinstance(app, SittingApp)
    await until(pilot, lambda: app.there)
    await until(pilot, lambda: "l" in shown(app))
    return app


async def at(pilot: Pilot[Any], name: str) -> SittingApp:
    app = await ready(pilot)
    app.page.mark(name)
    await until(pilot, lambda: app.page.offered[0] == name)
    return app


async def dialog(pilot: Pilot[Any], kind: type[Dialog[Any]]) -> Any:
    """The dialog, once it listens."""
    await until(
        pilot,
        lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.hears and pilot.app.focused is not None,
    )
    return pilot.app.screen
