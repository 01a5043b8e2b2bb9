"""A sitting at a checklist over files of a folder: the real engine, record and screens; a clock that jumps."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_migrate.connections.web import WebConnection
from iris_migrate.connections.workstation import Workstation
from iris_migrate.engine.events import Event
from iris_migrate.engine.inspection import Inspection
from iris_migrate.engine.options import Options
from iris_migrate.engine.record import Record
from iris_migrate.engine.secrets import Secrets
from iris_migrate.engine.session import Session
from iris_migrate.engine.target import LiveTarget
from iris_migrate.language.checklist import Checklist, Phase, Step
from iris_migrate.target import Unreadable
from iris_migrate.tui.app import IrisApp
from iris_migrate.tui.operator import ScreenOperator
from iris_migrate.tui.place import Place
from iris_migrate.tui.screens.checklist import ChecklistScreen
from iris_migrate.values import Unresolved
from tests.engine import sandbox
from tests.engine.world import JumpingClock, NoAws

if TYPE_CHECKING:
    from iris_migrate.engine.diagnosis import Diagnostician

sys.modules["iris_migrate.resources.sandbox"] = sandbox
PHASES = (Phase("1", "Files"), Phase("2", "Commands"), Phase("3", "People"))


class StillClock(JumpingClock):
    """Time stands still; waiting yields to the others, and is over when it is told."""

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(0.01)


class LocalTarget(LiveTarget):
    """No host: following it says so; a connection may be given."""

    host_connection: Any = None

    async def connection(self) -> Any:
        if self.host_connection is None:
            raise Unreadable("the host's address is not known yet")
        return self.host_connection


class LocalSession(Session):
    """Opened without AWS, over steps that are given."""

    reaches: type[LiveTarget] = LocalTarget

    def __init__(self, folder: Path, steps: Sequence[Step], phases: Sequence[Phase] = PHASES) -> None:
        self.options = Options(state=folder / "state", environment={})
        self.clock = StillClock()
        self.checklist = Checklist("test", "Test", "d" * 64, tuple(phases), tuple(steps))
        self.secrets = Secrets({}, {})
        self._listeners, self.key_listeners = [], []
        self.migration = "m"
        self.aws = NoAws()  # type: ignore[assignment]
        self.workstation = Workstation()

    @cached_property
    def diagnostician(self) -> Diagnostician:
        from iris_migrate.engine.diagnosis import Diagnostician  # as the session: not before it is asked
        from tests.tui.symptom import BOOK

        return Diagnostician(self.inspection, lambda: BOOK, self.secrets.hide)

    async def begin(self, operator: Any) -> LocalSession:
        self.operator = operator
        self.archive = self._archive()
        self.record = Record(self.options.state_folder() / "migrations" / "m.sqlite")
        self.target = self.reaches(
            self.checklist, aws=NoAws(), local=self.workstation, web=WebConnection(), clock=self.clock,  # type: ignore[arg-type]
            secrets=self.secrets, record=self.record, state=self.options.state_folder(),
            trust_host_key=operator.trust_host_key, emit=self.emit,
        )  # fmt: skip
        self.inspection = Inspection(self.checklist, self.target, self.key, self.emit, self.secrets.hide)
        return self

    @property
    def where(self) -> str:
        return "123456789012 us-east-1"


class SittingApp(IrisApp):
    """The app at its checklist at once."""

    def __init__(self, session: LocalSession, *, theme: str = "dark") -> None:
        super().__init__(argparse.Namespace(theme=theme))
        self.local = session
        self.answer: Any = "none yet"
        self.heard: list[Event] = []
        self.animation_level = "none"
        self.set_reactive(IrisApp.place, Place("123456789012", "example", "us-east-1", "192.0.2.7", "pinned"))

    async def _journey(self) -> None:
        session = await self.local.begin(ScreenOperator(self.push_screen_wait))
        session.listen(self.heard.append)
        page = ChecklistScreen(session)
        self.answer = await self.show(page)

    @property
    def page(self) -> ChecklistScreen:
        for screen in self.screen_stack:
            if isinstance(screen, ChecklistScreen):
                return screen
        raise AssertionError("the checklist is not on the screen")

    @property
    def there(self) -> bool:
        """The checklist is there, and nothing is being done."""
        return any(isinstance(screen, ChecklistScreen) and screen.idle for screen in self.screen_stack)

    def elapsed(self) -> float:
        return 761.0


def step(name: str, phase: str, resource: str, **options: Any) -> Step:
    title = options.pop("title", name.replace("-", " ").capitalize())
    return Step(id=name, phase=phase, title=title, resource=f"sandbox.{resource}", **options)


def steps(folder: Path) -> tuple[Step, ...]:
    """One of each kind: holds, ready, waiting, left out, costs, destroys, fails, asks the operator."""
    there = folder / "there"
    there.write_text("stone is there")
    failing = "echo starting; echo 'Address already in use'; exit 3"
    return (
        step("there", "1", "note", with_={"path": str(there), "content": "stone is there"}, why="It was there before."),
        step("note", "1", "note", with_={"path": str(folder / "note"), "content": "one\ntwo\nthree"}, outputs=("word",),
             why="The plan's unit could not start: systemd has no trailing comments. So a note is kept of it."),
        step("copy", "1", "note",
             with_={"path": str(folder / "copy"), "content": Unresolved("note", "word")}),
        step("unused", "1", "note", with_={"path": "x", "content": "x"}, left_out="no domain is set"),
        step("paid", "2", "task", with_={"path": str(folder / "paid"), "argv": ("touch", str(folder / "paid"))},
             risk="costs", why="It costs $3.65 a month."),
        step("wrecked", "2", "task", risk="destroys",
             with_={"path": str(folder / "wrecked"), "argv": ("touch", str(folder / "wrecked"))}),
        step("broken", "2", "task", with_={"path": str(folder / "broken"), "argv": ("sh", "-c", failing)},
             troubleshoot=("no-answer",), timeout=5.0),
        step("deed", "3", "deed", with_={"path": str(folder / "deed")}),
    )  # fmt: skip
