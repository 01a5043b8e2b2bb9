"""The guided way, as straight code: each screen is shown and gives a typed answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iris_migrate.tui.screens.start import Choice, StartScreen

if TYPE_CHECKING:
    from iris_migrate.tui.app import IrisApp


async def journey(app: IrisApp, first: StartScreen) -> None:
    """From the Start screen to the end, and back to the Start screen."""
    start = first
    while True:
        match await app.show(start):
            case Choice.REHEARSE:
                return app.leave_for("rehearse")
        start = StartScreen()
