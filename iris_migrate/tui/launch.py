"""From the command line's arguments to the engine's options, and from a session to the place that the header shows."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from iris_migrate.engine.events import Connected
from iris_migrate.engine.target import HOST_ADDRESS
from iris_migrate.tui.place import Place

if TYPE_CHECKING:
    from iris_migrate.engine.options import Options
    from iris_migrate.engine.session import Session
    from iris_migrate.tui.app import IrisApp


_ADDRESS = re.compile(r"onnect(?:ed|ion) to (\S+?)(?: is back)?\.$")


def options(args: argparse.Namespace) -> Options:
    """The same options as for every other command."""
    from iris_migrate import arguments

    return arguments.options(args)


def place_of(session: Session, place: Place, event: object = None) -> Place:
    """The place with what an open session knows, and what an event tells of the host."""
    known = replace(place, account=session.aws.account, region=session.region)
    if isinstance(event, Connected) and event.what == "host" and (found := _ADDRESS.search(event.detail)):
        return replace(known, host=found[1], pin="pinned")  # nothing connects to a key that is not
    host = "" if place.host else str(session.record.fact(HOST_ADDRESS) or "")
    return replace(known, host=host) if host else known


def follow(app: IrisApp, session: Session) -> None:
    """The header shows where the session is, and what it hears of the host."""
    app.place = place_of(session, app.place)

    def hear(event: object) -> None:
        if isinstance(event, Connected):
            app.place = place_of(session, app.place, event)

    async def ask_alias() -> None:
        app.at(alias=await session.aws.alias())

    session.listen(hear)
    if session.aws.account and not app.place.alias:
        app.run_worker(ask_alias(), name="alias")
