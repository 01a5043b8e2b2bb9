"""How the checklist, its failures, its dialogs and the logs look. A picture that changed is looked at first."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from iris_migrate.connections.host.journal import Line
from iris_migrate.engine.events import Status
from iris_migrate.target import HostClock, Shell
from iris_migrate.tui.operator import ScreenOperator
from iris_migrate.tui.screens.logs import LogsScreen
from iris_migrate.tui.widgets.bars import Activity
from iris_migrate.tui.widgets.dialog import Dialog
from iris_migrate.tui.widgets.dialogs import ConfirmDialog, QuestionDialog, ReasonDialog, SecretDialog
from tests.tui import checklist as way
from tests.tui.sitting import LocalSession, SittingApp, step, steps
from tests.tui.steps import text, until

NARROW, WIDE = (80, 24), (120, 40)
Compare = Callable[..., bool]
BEGUN = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Paths are short, seconds are not counted, the time zone is one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Activity, "_tick", lambda self: None)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Facts:
    """What else a host is asked."""

    async def clock(self) -> HostClock:
        return HostClock(BEGUN, 0.0, "boot")

    async def shell(self, script: str, **options: Any) -> Shell:
        return Shell(0, "", "")


class Host:
    """A host whose journal stands still."""

    facts = Facts()

    async def journal(self, unit: str, **options: Any) -> list[Line]:
        if unit != "service":
            return []
        said = (
            ("systemd", 1, 6, "Started service."), ("gunicorn", 812, 6, "Listening at: http://127.0.0.1:8080"),
            ("gunicorn", 812, 6, "Booting worker with pid: 815"),
            ("gunicorn", 815, 4, "the model was slow: 14.2 s"),
            ("gunicorn", 815, 3, '{"took": 120.1, "level": "error", "request": "r-17", "path": "/api/iris/analyze"}'),
        )  # fmt: skip
        return [
            Line(BEGUN - 60 + 7 * n, unit, pid, level, words, str(n), source)
            for n, (source, pid, level, words) in enumerate(said)
        ]

    async def follow(self, *sources: Any) -> AsyncIterator[list[Line]]:
        import asyncio

        await asyncio.Event().wait()
        yield []


def app(theme: str = "dark", made: Callable[[], tuple[Any, ...]] = lambda: steps(Path())) -> SittingApp:
    session = LocalSession(Path(), made())
    begin = session.begin

    async def begun(operator: Any) -> LocalSession:
        opened = await begin(operator)
        opened.target.host_connection = Host()  # type: ignore[attr-defined]
        return opened

    session.begin = begun  # type: ignore[method-assign]
    return SittingApp(session, theme=theme)


async def normal(pilot: Pilot[Any]) -> None:
    await way.ready(pilot)


async def diff(pilot: Pilot[Any]) -> None:
    sitting = await way.ready(pilot)
    await pilot.press("d")
    await until(pilot, lambda: "+two" in text(pilot))
    assert sitting.there


async def listed(pilot: Pilot[Any]) -> None:
    await way.ready(pilot)
    await pilot.press("c")
    await pilot.pause()


async def failed(pilot: Pilot[Any]) -> None:
    sitting = await way.at(pilot, "broken")
    await pilot.press("a")
    await until(pilot, lambda: way.status(sitting, "broken") is Status.FAILED and sitting.there)
    await until(pilot, lambda: "r" in way.shown(sitting))


async def running(pilot: Pilot[Any]) -> None:
    sitting = await way.at(pilot, "long")
    await pilot.press("a")
    await until(pilot, lambda: way.status(sitting, "long") is Status.RUNNING and "run the task" in text(pilot))
    await until(pilot, lambda: "x" in way.shown(sitting))


async def waiting(pilot: Pilot[Any]) -> None:
    await way.at(pilot, "copy")
    await pilot.press("3")
    await pilot.pause()


async def evidence(pilot: Pilot[Any]) -> None:
    await way.ready(pilot)
    await pilot.press("3")
    await pilot.pause()


async def journal(pilot: Pilot[Any]) -> None:
    await way.at(pilot, "long")
    await pilot.press("2")
    await until(pilot, lambda: "120.1" in text(pilot))


async def all_hold(pilot: Pilot[Any]) -> None:
    await way.ready(pilot)


async def empty(pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: pilot.app.there)  # type: ignore[attr-defined]
    await pilot.pause(0.3)


def dialog(name: str, key: str, kind: type[Dialog[Any]]) -> Callable[[Pilot[Any]], Any]:
    async def run(pilot: Pilot[Any]) -> None:
        await way.at(pilot, name)
        await pilot.press(key)
        await way.dialog(pilot, kind)
        await pilot.pause()

    return run


async def secret(pilot: Pilot[Any]) -> None:
    sitting = await way.ready(pilot)
    operator = sitting.local.operator
    assert isinstance(operator, ScreenOperator)
    sitting.run_worker(operator.secret("openai_api_key", "The key of the OpenAI account. It is asked for by step 2.9."))
    await way.dialog(pilot, SecretDialog)


async def logs(pilot: Pilot[Any]) -> None:
    await way.ready(pilot)
    await pilot.press("l")
    await until(pilot, lambda: isinstance(pilot.app.screen, LogsScreen) and "120.1" in text(pilot))
    await until(pilot, lambda: "live" in text(pilot))


async def fields(pilot: Pilot[Any]) -> None:
    await logs(pilot)
    await pilot.press("k", "k", "j", "enter")
    await until(pilot, lambda: "r-17" in text(pilot).partition("request")[2])


async def paused(pilot: Pilot[Any]) -> None:
    await logs(pilot)
    await pilot.press("space", "e")
    await until(pilot, lambda: "paused" in text(pilot))


def one_long() -> tuple[Any, ...]:
    if not Path("gate").exists():
        os.mkfifo("gate")
    long = "echo first line; echo second line; exec 3<>gate; read line <&3"
    return (
        *steps(Path()),
        step("long", "3", "task", journal=("service",), why="It takes its time.",
             with_={"path": "never", "argv": ("timeout", "20", "sh", "-c", long)}),
    )  # fmt: skip


def only_held() -> tuple[Any, ...]:
    return steps(Path())[:1]


SHOTS: dict[str, tuple[Callable[[Pilot[Any]], Any], Callable[[], tuple[Any, ...]]]] = {
    "normal": (normal, lambda: steps(Path())), "diff": (diff, lambda: steps(Path())),
    "failed": (failed, lambda: steps(Path())), "running": (running, one_long), "waiting": (waiting, one_long),
    "evidence": (evidence, lambda: steps(Path())), "journal": (journal, one_long), "all-hold": (all_hold, only_held),
    "empty": (empty, lambda: ()), "costs": (dialog("paid", "a", ConfirmDialog), lambda: steps(Path())),
    "destroys": (dialog("wrecked", "a", ConfirmDialog), lambda: steps(Path())),
    "waive": (dialog("broken", "w", ReasonDialog), lambda: steps(Path())),
    "question": (dialog("deed", "a", QuestionDialog), lambda: steps(Path())),
    "secret": (secret, lambda: steps(Path())), "logs": (logs, one_long), "logs-fields": (fields, one_long),
    "logs-paused": (paused, one_long),
}  # fmt: skip
BOTH = ("normal", "failed", "running", "costs", "logs")


@pytest.mark.parametrize("name", SHOTS)
def test_narrow(snap_compare: Compare, name: str) -> None:
    way_there, made = SHOTS[name]
    assert snap_compare(app(made=made), terminal_size=NARROW, run_before=way_there)


def test_narrow_list(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=NARROW, run_before=listed)


@pytest.mark.parametrize("name", SHOTS)
def test_wide(snap_compare: Compare, name: str) -> None:
    way_there, made = SHOTS[name]
    assert snap_compare(app(made=made), terminal_size=WIDE, run_before=way_there)


@pytest.mark.parametrize("name", BOTH)
def test_light(snap_compare: Compare, name: str) -> None:
    way_there, made = SHOTS[name]
    assert snap_compare(app("light", made), terminal_size=NARROW, run_before=way_there)
