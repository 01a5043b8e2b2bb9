"""The app: wires screens, commands, themes and signals together; knows nothing of what they show."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.screen import ModalScreen, Screen

from iris_migrate.tui import symbols, themes
from iris_migrate.tui.commands import bindings, commands, key_name, moved_keys
from iris_migrate.tui.ending import Ending
from iris_migrate.tui.place import Place
from iris_migrate.tui.screens.page import Page
from iris_migrate.tui.screens.start import StartScreen
from iris_migrate.tui.symbols import Signs
from iris_migrate.tui.widgets.header import Header

if TYPE_CHECKING:
    from textual.driver import Driver

    from iris_migrate.connections.aws import AwsConnection
    from iris_migrate.connections.threads import Threads
    from iris_migrate.engine.options import Options
    from iris_migrate.engine.results import CheckResult
    from iris_migrate.engine.session import Session

Answer = TypeVar("Answer")
REHEARSE = -1  # the answer of `run` when the operator chose to rehearse
_HERE = Path(__file__).parent
_HELD = 64  # keys kept for a screen that is not drawn yet


class IrisApp(App[int], inherit_bindings=False):
    """One operator at one terminal."""

    TITLE = "iris-migrate"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    # The first screen's own is not loaded by Textual.
    CSS_PATH = [_HERE / "app.tcss", _HERE / "screens" / "start.tcss"]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app"), Binding("ctrl+c", "help_quit", show=False, system=True)]

    place: reactive[Place] = reactive(Place())

    def __init__(self, args: argparse.Namespace | None = None, *, rehearsal: bool = False) -> None:
        super().__init__()
        self.args = args or argparse.Namespace()
        self._began = time.monotonic()
        self.session: Session | None = None
        self.result: CheckResult | None = None
        self.notice = ""  # what the Start screen says below its choices
        self._options: Options | None = None
        self._threads: Threads | None = None
        self._signs = Signs(symbols.poor())
        self.ending = Ending(self)
        self._no_dialog = asyncio.Event()
        self._no_dialog.set()
        self._held: deque[events.Key] = deque(maxlen=_HELD)
        self.set_reactive(IrisApp.place, Place(rehearsal=rehearsal))
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.chosen(getattr(self.args, "theme", ""))

    def get_driver_class(self) -> type[Driver]:
        found = super().get_driver_class()
        if found.__module__ != "textual.drivers.linux_driver":  # Windows, or one that the environment names
            return found
        from iris_migrate.tui.driver import TerminalDriver

        return TerminalDriver

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self._signs]

    def get_default_screen(self) -> Screen[Any]:
        """The Start screen is the first thing painted."""
        return StartScreen()

    def on_mount(self) -> None:
        self.ending.hear_signals()
        keys, self.notice = moved_keys()
        self.set_keymap(keys)
        self.run_worker(self._journey(), name="journey", exit_on_error=True)

    async def _journey(self) -> None:
        from iris_migrate.tui.flow import journey

        assert isinstance(self.screen, StartScreen)
        await journey(self, self.screen)

    async def show(self, page: Page[Answer]) -> Answer:
        """Show a page in the place of the one before, and wait for its answer."""
        answered = page.answered()
        await self._no_dialog.wait()  # one that is open keeps its place until it is answered
        if page is not self.screen:
            gc.disable()  # nothing of what is made for a page is garbage; it is on again when the page is drawn
            if len(self.screen_stack) == 1:  # Textual cannot take the screen away that it began with
                await self.push_screen(page)
            else:
                await self.switch_screen(page)
        answer: Answer = await answered
        return answer

    # What the screens share

    async def in_thread(self, work: Callable[[], Answer]) -> Answer:
        """Do what blocks in a daemon thread of our own: it never holds the program's end up."""
        from iris_migrate.connections.threads import Threads

        if self._threads is None:
            self._threads = Threads("screens", 4)
        return await self._threads.run(work)

    async def read_options(self) -> Options:
        """What the command line said, as the engine takes it."""
        if self._options is None:
            from iris_migrate.tui.launch import options

            self._options = await self.in_thread(lambda: options(self.args))
        return self._options

    def aws_at(self, profile: str, region: str) -> AwsConnection:
        """A connection of its own for looking around before there is a session."""
        from iris_migrate.connections.aws import AwsConnection
        from iris_migrate.engine.clock import SystemClock

        return AwsConnection(profile=profile, region=region, clock=SystemClock())

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def elapsed(self) -> float:
        """Seconds since the app began."""
        return time.monotonic() - self._began

    def get_key_display(self, binding: Binding) -> str:
        return key_name(binding.key)

    def at(self, **known: Any) -> None:
        """Where we are, as far as it became known."""
        self.place = replace(self.place, **known)

    def take_session(self, session: Session) -> None:
        """The open session; the header follows it."""
        from iris_migrate.tui.launch import follow

        self.session = session
        follow(self, session)

    async def end_session(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            await session.close()

    def leave_for(self, what: str) -> None:
        """End the app so that the command line can go on with something else."""
        self.exit(REHEARSE if what == "rehearse" else 0)

    def screen_changed(self) -> None:
        """The header says when something that destroys is open; pages wait while any dialog is."""
        (self._no_dialog.clear if isinstance(self.screen, ModalScreen) else self._no_dialog.set)()
        self.at(destroying=getattr(self.screen, "tone", "") == "destroys")

    def watch_place(self, place: Place) -> None:
        for screen in self.screen_stack:
            for header in screen.query(Header):
                header.place = place

    # Keys

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded and not self._takes_keys():
            self._held.append(event)
            return
        await super().on_event(event)

    def _takes_keys(self) -> bool:
        return (
            self.screen.takes_keys if self.screen_stack and isinstance(self.screen, Page) else bool(self.screen_stack)
        )

    def release_keys(self) -> None:
        """Give the keys that came too early to the screen that is there now."""
        held, self._held = list(self._held), deque(maxlen=_HELD)
        for key in held:
            self.post_message(key)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        area = screen.AREA if isinstance(screen, Page) else ""
        for command in (*commands(area), *commands("app")):
            if command.works(screen) and command.id != "app.palette":
                yield SystemCommand(
                    f"{command.words} ({key_name(command.key)})", command.help, self._doing(command.action)
                )

    def _doing(self, action: str) -> Any:
        async def do() -> None:
            await self.run_action(action, self.screen)

        return do

    # Commands that work everywhere

    def action_help(self) -> None:
        from iris_migrate.tui.widgets.help import HelpDialog

        self.push_screen(HelpDialog(self.screen))

    def action_palette(self) -> None:
        self.action_command_palette()

    def action_theme(self) -> None:
        self.theme = themes.after(self.theme)

    def action_quit(self) -> None:  # type: ignore[override]
        self.run_worker(self._leave(), name="leave", group="leave", exclusive=True)

    async def _leave(self) -> None:
        """Ask when something runs; then end in order."""
        told = self.screen.leaving() if isinstance(self.screen, Page) else ""
        if told:
            from iris_migrate.tui.widgets.dialogs import ConfirmDialog

            if not await self.push_screen_wait(ConfirmDialog("Leave while this runs?", told, agree="Leave")):
                return
        await self.ending.end(self.result.exit_code if self.result is not None else 0)


def run(args: argparse.Namespace | None = None) -> int:
    """Open the app on this terminal; the exit code, or REHEARSE."""
    code = IrisApp(args, rehearsal="IRIS_PRACTICE" in os.environ).run()
    return 0 if code is None else code


__all__ = ["REHEARSE", "IrisApp", "run"]
