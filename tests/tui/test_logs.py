"""The logs: sources shown and hidden, filters by level and text, search, fields, saving."""

from __future__ import annotations

from pathlib import Path

import pytest

from iris_migrate.engine.logs import about_memory, log_sources
from iris_migrate.engine.record import Record
from iris_migrate.language.checklist import Checklist, SettingValue
from iris_migrate.tui.log_lines import of_file
from iris_migrate.tui.screens.logs import LogsScreen
from iris_migrate.tui.widgets.lines import ShownLine
from tests.tui import test_snapshots_checklist as pictures
from tests.tui.sitting import step
from tests.tui.steps import text, until


def test_the_logs_of_a_checklist_are_its_units_its_files_and_the_kernel() -> None:
    steps = (
        step("one", "1", "note", with_={"log": "/var/log/nginx/access.log"}, journal=("nginx", "service")),
        step("two", "1", "note", with_={"file": "/var/log/nginx/error.log"}, left_out="not here"),
    )
    settings = {"service.name": SettingValue("service", "default")}
    found = log_sources(Checklist("c", "C", "d", (), steps, settings))
    assert [source.name for source in found] == ["service", "nginx", "access", "memory"]


@pytest.mark.parametrize(
    ("line", "level", "time"),
    [
        ('192.0.2.1 - - [23/Nov/2026:14:52:39 +0000] "GET / HTTP/1.1" 502 12 "-" "x"', 3, 1795445559.0),
        ('192.0.2.1 - - [23/Nov/2026:14:52:39 +0000] "GET / HTTP/1.1" 404 12 "-" "x"', 4, 1795445559.0),
        ("2026/11/23 14:52:39 [crit] 7#7: connect() failed", 2, None),
        ("something else", 6, 5.0),
    ],
)
def test_nginx_writes_times_and_levels_in_its_own_ways(line: str, level: int, time: float | None) -> None:
    found = of_file(line, "access", 5.0)
    assert found.level == level and (time is None or found.time == time)


def test_only_the_kernel_speaks_of_memory() -> None:
    assert about_memory("kernel", "Out of memory: Killed process 812 (gunicorn)")
    assert not about_memory("gunicorn", "Out of memory: Killed process 812") and not about_memory("kernel", "usb 1-1")


async def test_every_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = pictures.app(made=pictures.one_long)
    async with app.run_test(size=(120, 30)) as pilot:
        await pictures.logs(pilot)
        screen = app.screen
        assert isinstance(screen, LogsScreen)
        await pilot.press("e", "e")
        await until(pilot, lambda: "only error and worse" in text(pilot) and "Listening" not in text(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "Listening" in text(pilot))
        await pilot.press("f", *"slow", "enter")
        await until(pilot, lambda: "the model was slow" in text(pilot) and "Listening" not in text(pilot))
        await pilot.press("f", *["backspace"] * 4, "enter")
        await until(pilot, lambda: "Listening" in text(pilot))
        await pilot.press("1")
        await until(pilot, lambda: "– service" in text(pilot) and "Listening" not in text(pilot))
        await pilot.press("1", "slash", *"booting", "enter")
        await until(pilot, lambda: (line := screen.lines.current.marked) is not None and "Booting" in line.text)
        await pilot.press("escape", "enter")
        await until(pilot, lambda: "level" in text(pilot) and "info" in text(pilot))
        await pilot.press("s")
        await until(pilot, lambda: any((tmp_path / "state" / "saved").glob("logs-*.txt")))
        (saved,) = (tmp_path / "state" / "saved").glob("logs-*.txt")
        assert "Listening at" in saved.read_text() and saved.stat().st_mode & 0o777 == 0o600
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.page)


async def test_only_what_was_written_lately(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = pictures.app(made=pictures.one_long)
    app.local.clock.time = pictures.BEGUN
    async with app.run_test(size=(120, 30)) as pilot:
        await pictures.logs(pilot)
        screen = app.screen
        assert isinstance(screen, LogsScreen)
        screen._take([ShownLine("written long ago", 6, pictures.BEGUN - 4000, "service")])
        await until(pilot, lambda: "written long ago" in text(pilot))
        await pilot.press("t")
        await until(pilot, lambda: "written long ago" not in text(pilot) and "Listening" in text(pilot))
        await pilot.press("t", "t")
        await until(pilot, lambda: "written long ago" in text(pilot))


async def test_copying_takes_the_marked_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = pictures.app(made=pictures.one_long)
    async with app.run_test(size=(120, 30)) as pilot:
        await pictures.logs(pilot)
        await pilot.press("k", "k", "y")
        saved = tmp_path / "state" / "saved"
        await until(pilot, lambda: saved.is_dir() and any(saved.iterdir()))
        (copied,) = saved.iterdir()
        assert "the model was slow" in copied.read_text() and "Listening" not in copied.read_text()


async def test_side_by_side_each_log_has_its_own_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = pictures.app(made=pictures.one_long)
    async with app.run_test(size=(120, 30)) as pilot:
        await pictures.logs(pilot)
        screen = app.screen
        assert isinstance(screen, LogsScreen)
        await pilot.press("b")
        await until(pilot, lambda: screen.lines.beside and "Listening" in text(pilot))
        assert [view.border_title for view in screen.lines.query("#beside LineView")] == ["service", "memory"]
        assert screen.lines.current.border_title == "service" and screen.lines.current.has_focus
        screen._take([ShownLine("out of memory", 2, 1.0, "memory"), ShownLine("one more", 6, 2.0, "service")])
        await until(pilot, lambda: "out of memory" in text(pilot))
        own = screen.lines.query("#beside LineView").last()
        assert [line.text for line in own.lines] == ["out of memory"]  # type: ignore[attr-defined]
        await pilot.press("2")
        await until(pilot, lambda: "out of memory" not in text(pilot))
        await pilot.press("b")
        await until(pilot, lambda: not screen.lines.beside and "one more" in text(pilot))
        assert "out of memory" not in text(pilot), "what was hidden stays hidden"


async def test_a_line_leads_to_the_step_that_was_worked_on_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = pictures.app(made=pictures.one_long)
    async with app.run_test(size=(120, 30)) as pilot:
        await pictures.logs(pilot)
        await pilot.press("o")
        await until(pilot, lambda: "Nothing had been done by then." in [one.message for one in app._notifications])
        written = pictures.BEGUN - 60
        for at, status in ((written - 5, "running"), (written + 60, "holds")):
            app.local.record.add_status(at, None, "paid", status, "")
        await pilot.press("k", "o")
        await until(pilot, lambda: app.screen is app.page)
        await until(pilot, lambda: app.page.step is not None and app.page.step.id == "paid")


def test_the_record_tells_which_step_was_worked_on(tmp_path: Path) -> None:
    record = Record(tmp_path / "m.sqlite")
    assert record.running_at(10.0) is None
    said = ((1.0, "one", "running"), (2.0, "one", "holds"), (3.0, "two", "running"), (9.0, "two", "failed"))
    for at, step_id, status in said:
        record.add_status(at, None, step_id, status, "")
    assert record.running_at(0.5) is None
    assert record.running_at(1.5) == ("one", None)
    assert record.running_at(2.5) == ("one", 2.0)
    assert record.running_at(4.0) == ("two", None)
    assert record.running_at(99.0) == ("two", 9.0)
