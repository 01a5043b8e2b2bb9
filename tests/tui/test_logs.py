"""The logs: sources shown and hidden, filters by level and text, search, fields, saving."""

from __future__ import annotations

from pathlib import Path

import pytest

from iris_migrate.engine.logs import about_memory, log_sources
from iris_migrate.language.checklist import Checklist, SettingValue
from iris_migrate.tui.log_lines import of_file
from iris_migrate.tui.screens.logs import LogsScreen
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
        await until(pilot, lambda: screen.lines.marked is not None and "Booting" in screen.lines.marked.text)
        await pilot.press("escape", "enter")
        await until(pilot, lambda: "level" in text(pilot) and "info" in text(pilot))
        await pilot.press("s")
        await until(pilot, lambda: any((tmp_path / "state" / "saved").glob("logs-*.txt")))
        (saved,) = (tmp_path / "state" / "saved").glob("logs-*.txt")
        assert "Listening at" in saved.read_text() and saved.stat().st_mode & 0o777 == 0o600
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.page)
