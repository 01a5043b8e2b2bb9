"""The guided way, as straight code: each screen is shown and gives a typed answer; no answer leads one back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iris_migrate.tui.screens.start import Choice, StartScreen

if TYPE_CHECKING:
    from iris_migrate.engine.consent import Operator
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
            case Choice.DECOMMISSION if (await app.read_options()).settings_file() or await prepared(app):
                await decommission(app)
            case Choice.DECOMMISSION:
                pass
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


async def decommission(app: IrisApp) -> None:
    """The old side's list until it is left; the way back from its archive is a checklist like any other."""
    from dataclasses import replace

    from iris_migrate.engine.decommission import CHECKLIST
    from iris_migrate.engine.options import Options
    from iris_migrate.engine.session import Session
    from iris_migrate.tui.agreed import AgreedOperator
    from iris_migrate.tui.screens.decommission import DecommissionScreen
    from iris_migrate.tui.screens.opening import OpeningScreen

    async def opener(options: Options, operator: Operator) -> Session:
        made = replace(options, checklist=CHECKLIST)
        return await (await app.in_thread(lambda: Session(made, operator))).open()

    while True:
        operator = AgreedOperator(app.push_screen_wait)
        session = await app.show(OpeningScreen(operator, opener))
        if session is None:
            return
        app.take_session(session)
        screen = DecommissionScreen(session, operator)
        try:
            app.result = await app.show(screen) or app.result
        finally:
            await app.end_session()
        if screen.wants != "restore":
            return
        await restore(app)


async def restore(app: IrisApp) -> None:
    """The checklist that the archive is made into: whole phases or step by step."""
    from dataclasses import replace

    from iris_migrate.engine.decommission import CHECKLIST
    from iris_migrate.engine.options import Options
    from iris_migrate.engine.restoring import opened_restore
    from iris_migrate.engine.session import Session
    from iris_migrate.tui.operator import ScreenOperator
    from iris_migrate.tui.screens.checklist import ChecklistScreen
    from iris_migrate.tui.screens.opening import OpeningScreen

    async def opener(options: Options, operator: Operator) -> Session:
        return await opened_restore(replace(options, checklist=CHECKLIST), operator, "")

    session = await app.show(OpeningScreen(ScreenOperator(app.push_screen_wait), opener))
    if session is None:
        return
    app.take_session(session)
    try:
        app.result = await app.show(ChecklistScreen(session)) or app.result
    finally:
        await app.end_session()


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
