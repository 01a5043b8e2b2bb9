"""The guided way, as straight code: each screen is shown and gives a typed answer; no answer leads one back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iris_migrate.tui.screens.start import Choice, StartScreen

if TYPE_CHECKING:
    from iris_migrate.tui.app import IrisApp


async def journey(app: IrisApp, start: StartScreen) -> None:
    """From the Start screen to the checklist, and back to the Start screen."""
    while True:
        chosen = await app.show(start)
        match chosen.choice:
            case Choice.REHEARSE:
                return app.leave_for("rehearse")
            case Choice.VERIFY if chosen.begun:
                await verify(app)
            case Choice.CONTINUE if chosen.begun:
                await checklist(app)
            case _:
                if await prepared(app):
                    await checklist(app)
        start = StartScreen()


async def prepared(app: IrisApp) -> bool:
    """Account, old side, settings; True when the settings are written."""
    from iris_migrate.tui.screens.connect import ConnectScreen
    from iris_migrate.tui.screens.discover import DiscoverScreen
    from iris_migrate.tui.screens.settings import SettingsScreen

    while (account := await app.show(ConnectScreen())) is not None:
        while (found := await app.show(DiscoverScreen(account))) is not None:
            if await app.show(SettingsScreen(found)):
                return True
    return False


async def verify(app: IrisApp) -> None:
    """Everything looked at again; a step can be opened in the checklist from there."""
    from iris_migrate.tui.operator import ScreenOperator
    from iris_migrate.tui.screens.opening import OpeningScreen
    from iris_migrate.tui.screens.verify import VerifyScreen

    session = await app.show(OpeningScreen(ScreenOperator(app.push_screen_wait)))
    if session is None:
        return
    app.take_session(session)
    screen = VerifyScreen(session)
    try:
        step = await app.show(screen)
    finally:
        app.result = screen.result or app.result
        await app.end_session()
    if step is not None:
        await checklist(app, step)


async def checklist(app: IrisApp, step: str = "") -> None:
    """The checklist (at a step), until it is left; editing the settings leads back with what they are then."""
    from iris_migrate.tui.operator import ScreenOperator
    from iris_migrate.tui.screens.checklist import ChecklistScreen
    from iris_migrate.tui.screens.opening import OpeningScreen
    from iris_migrate.tui.screens.settings import SettingsScreen

    while True:
        operator = ScreenOperator(app.push_screen_wait)
        session = await app.show(OpeningScreen(operator))
        if session is None:
            return
        operator.where = session.where
        app.take_session(session)
        screen = ChecklistScreen(session)
        screen.opens_at = step
        try:
            app.result = await app.show(screen) or app.result
        finally:
            await app.end_session()
        if screen.wants != "settings":
            return
        await app.show(SettingsScreen())
