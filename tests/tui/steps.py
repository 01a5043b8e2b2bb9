"""Waiting for what a screen shows, and the way to each screen by keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from iris_migrate.tui.screens.connect import ConnectScreen
from iris_migrate.tui.screens.discover import DiscoverScreen
from iris_migrate.tui.screens.settings import SettingsScreen
from iris_migrate.tui.screens.start import StartScreen


async def until(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    """Let the app work until something holds."""
    for _ in range(2000):
        await pilot.pause(0.01)
        if holds():
            await pilot.pause()
            return
    raise AssertionError(f"never came to hold; on the screen ({pilot.app.screen!r}):\n{text(pilot)}")


def text(pilot: Pilot[Any]) -> str:
    """What is on the screen, line by line."""
    width, height = pilot.app.size
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text[:width] for strip in strips[:height])


async def at_start(pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: isinstance(screen := pilot.app.screen, StartScreen) and screen._standing is not None)


async def at_connect(pilot: Pilot[Any]) -> None:
    await at_start(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(screen := pilot.app.screen, ConnectScreen) and not screen.busy)


async def at_discover(pilot: Pilot[Any]) -> None:
    await at_connect(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(screen := pilot.app.screen, DiscoverScreen) and not screen.busy)


async def at_settings(pilot: Pilot[Any]) -> None:
    await at_discover(pilot)
    await pilot.press("enter")
    await until(
        pilot, lambda: isinstance(screen := pilot.app.screen, SettingsScreen) and screen.ready and not screen.asking
    )
