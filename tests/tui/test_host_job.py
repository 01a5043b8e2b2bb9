"""What runs on the host while one leaves or the connection is lost: it is said to go on, and it does."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from iris_migrate.engine.clock import SystemClock
from iris_migrate.engine.events import ConnectionLost, Status
from iris_migrate.engine.target import LiveTarget
from iris_migrate.language.checklist import HostSpec
from iris_migrate.tui.widgets.dialogs import ConfirmDialog
from tests.practice_host import USER, PracticeAccess
from tests.tui.checklist import at, dialog, status
from tests.tui.sitting import LocalSession, SittingApp, step
from tests.tui.steps import text, until

SIZE = (120, 40)


class HostSession(LocalSession):
    """Its host is a practice host; the job waits there until `gate` is opened, and leaves `done` behind."""

    reaches = LiveTarget

    def __init__(self, folder: Path, access: PracticeAccess) -> None:
        gate, done = access.root / "srv" / "gate", access.root / "srv" / "done"
        argv = ("sh", "-c", f"echo line $((40 + 2)); read word < {gate}; echo $word; touch {done}")
        super().__init__(folder, [step("job", "1", "job", with_={"path": str(done), "argv": argv})])
        host = HostSpec(access.address, "", USER, access.port, str(access.key), str(access.root))
        self.checklist = replace(self.checklist, host=host)
        self.clock = SystemClock()  # type: ignore[assignment]

    async def begin(self, operator: object) -> LocalSession:
        await super().begin(operator)
        assert self.checklist.host is not None
        self.target.locate(self.checklist.host.address, "")
        return self


@pytest.fixture
def gate(practice_host: PracticeAccess) -> Path:
    found = practice_host.root / "srv" / "gate"
    found.parent.mkdir(exist_ok=True)
    os.mkfifo(found)
    return found


async def test_a_job_is_said_to_go_on_when_one_leaves_and_does(
    tmp_path: Path, practice_host: PracticeAccess, gate: Path
) -> None:
    app = SittingApp(HostSession(tmp_path, practice_host))
    async with app.run_test(size=SIZE) as pilot:
        await at(pilot, "job")
        await pilot.press("a")
        await dialog(pilot, ConfirmDialog)  # nothing vouches for the host's key
        assert practice_host.host.fingerprints[0].split()[0] in text(pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "line 42" in text(pilot))
        await pilot.press("escape")
        await dialog(pilot, ConfirmDialog)
        assert "it goes on on the host, and is watched again" in text(pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: app.answer != "none yet")
    await app.local.close()
    gate.write_text("meanwhile\n")
    again = SittingApp(HostSession(tmp_path, practice_host))
    async with again.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: again.there)
        await until(pilot, lambda: status(again, "job") is Status.HOLDS)
        assert (gate.parent / "done").exists()
    await again.local.close()


async def test_a_lost_connection_is_told_made_again_and_loses_no_line(
    tmp_path: Path, practice_host: PracticeAccess, gate: Path
) -> None:
    app = SittingApp(HostSession(tmp_path, practice_host))
    async with app.run_test(size=SIZE) as pilot:
        await at(pilot, "job")
        await pilot.press("a")
        await dialog(pilot, ConfirmDialog)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "line 42" in text(pilot))
        practice_host.host.fault("slow", seconds=1.0)
        await until(pilot, lambda: any(isinstance(event, ConnectionLost) for event in app.heard))
        await until(pilot, lambda: "what runs on the host goes on" in text(pilot))
        practice_host.host.mend("slow")
        gate.write_text("one word\n")
        await until(pilot, lambda: status(app, "job") is Status.HOLDS and app.there)
        assert "one word" in text(pilot) and text(pilot).count("line 42") == 1
    await app.local.close()
