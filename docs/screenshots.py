"""Makes the pictures of the README from a rehearsal, by its keys: `make screenshots`."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from iris_migrate.rehearsal.launch import start_world
from iris_migrate.tui.app import IrisApp

FOLDER = Path(__file__).resolve().parent / "screenshots"
SIZE = (120, 34)  # wide enough for the list at the side
APT = ("Reading package lists", "Unpacking", "Setting up")  # what runs on the host when it is seen running
PATIENCE = 6000  # looks of 50 ms


async def until(pilot: Pilot[Any], holds: Callable[[str], bool]) -> None:
    """Wait for what the screen says."""
    for _ in range(PATIENCE):
        await pilot.pause(0.05)
        if holds(shown(pilot)):
            await pilot.pause(0.6)  # dialogs ignore keys for half a second
            return
    raise SystemExit(f"This was not expected:\n{shown(pilot)}")


def shown(pilot: Pilot[Any]) -> str:
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


def picture(pilot: Pilot[Any], name: str) -> None:
    """Keep what is on the screen; this machine's temporary folder is no part of it."""
    svg = pilot.app.export_screenshot(title="iris-migrate")
    svg = re.sub(r"/tmp/iris-rehearsal-[a-z0-9_]{8}", "/tmp/iris-rehearsal-example0", svg)  # noqa: S108
    (FOLDER / f"{name}.svg").write_text(svg)


async def go_on(pilot: Pilot[Any], holds: Callable[[str], bool]) -> None:
    """Phase after phase, agreeing to each plan with a price or a risk, until the screen says what is wanted."""
    while not holds(shown(pilot)):
        await until(pilot, lambda text: holds(text) or "Tab moves" in text or "A apply the phase" in text)
        if "Tab moves" in shown(pilot):
            await pilot.press("tab", "enter")
            await until(pilot, lambda text: "Tab moves" not in text)
        elif not holds(shown(pilot)):
            await pilot.press("A")
            await pilot.pause(0.5)


async def walk(pilot: Pilot[Any]) -> None:
    await until(pilot, lambda text: "nothing is begun yet" in text)
    picture(pilot, "start")
    await pilot.press("enter")
    await until(pilot, lambda text: "1 The instance" in text)
    picture(pilot, "connect")
    await pilot.press("enter")
    await until(pilot, lambda text: "calls in 14 days" in text)
    picture(pilot, "discover")
    await pilot.press("enter")
    await until(pilot, lambda text: "Cost a month: instance" in text)
    picture(pilot, "settings")
    await pilot.press("f2")
    await until(pilot, lambda text: "A apply the phase" in text)
    picture(pilot, "checklist")
    await pilot.press("A")
    await until(pilot, lambda text: "Tab moves" in text)
    picture(pilot, "consent")
    await go_on(pilot, lambda text: "x stop" in text and any(word in text for word in APT))
    picture(pilot, "running")


async def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    app = IrisApp(argparse.Namespace(theme="dark"), rehearsal=True)
    async with app.run_test(size=SIZE) as pilot:
        await walk(pilot)
        await app.ending.end(0)


if __name__ == "__main__":
    with start_world() as world:
        os.environ.update(world.env)
        asyncio.run(main())
