"""The monitoring checklist's own steps: what runs the checks by itself, and tells when their state changes."""

from __future__ import annotations

import json
import shlex
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.practice.finished import Finished
from tests.practice.run import command

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.xdist_group("journey")]


@pytest.fixture
def hook() -> Iterator[tuple[str, list[str]]]:
    """A webhook's URL, and what was posted to it."""
    posted: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/secret-path", posted
    server.shutdown()
    thread.join()


def test_the_steps_are_made_and_the_script_tells_once_by_mail_and_webhook(
    finished: Finished, tmp_path: Path, hook: tuple[str, list[str]]
) -> None:
    url, posted = hook
    (tmp_path / "hook").write_text(url)
    (tmp_path / "answers.yaml").write_text("timer-runs: yes\n")
    chosen = {
        "monitor.schedule": "timer", "monitor.folder": f"{tmp_path}/watch", "monitor.units": f"{tmp_path}/units",
        "monitor.mail": f"tee -a {tmp_path}/mail", "monitor.webhook_file": f"{tmp_path}/hook",
    }  # fmt: skip
    flags = [part for name, value in chosen.items() for part in ("--set", f"{name}={value}")]
    answers = ("--answers", str(tmp_path / "answers.yaml"))
    done = command(finished.world, *flags, "migrate", "monitoring", "--auto", *answers, "--format", "json")
    told = done.statuses
    assert {told[name] for name in ("script", "timer-service", "timer")} == {"holds"}, done.why()
    assert told["timer-runs"] == "confirmed" and told["cron-line"] == "left-out"
    unit = (tmp_path / "units" / "iris-migrate-iris.service").read_text()
    assert f"ExecStart=/bin/sh {tmp_path}/watch/watch-iris.sh" in unit
    assert "secret-path" not in (tmp_path / "watch" / "watch-iris.sh").read_text()

    program = tmp_path / "bin" / "iris-migrate"
    program.parent.mkdir()
    settings = shlex.join(flags)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m iris_migrate.cli {settings} "$@" {LOW}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    env = finished.world.environment() | {"PATH": f"{program.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}

    def watch() -> int:
        return subprocess.run(["sh", str(tmp_path / "watch" / "watch-iris.sh")], env=env, check=False).returncode

    assert watch() == 2 == watch(), "the disk is too full for the bound that was set"
    assert len(posted) == 1 and posted[0].startswith("IRIS CRITICAL - ") and "disk" in posted[0]
    assert (tmp_path / "mail").read_text().count("IRIS CRITICAL") == 1
    (tmp_path / "hook").write_text("http://127.0.0.1:9/nobody")
    program.write_text(program.read_text().replace(LOW, ""))
    before = watch()
    assert before in (0, 1) and len(posted) == 1
    (tmp_path / "hook").write_text(url)
    assert watch() == before and len(posted) == 2, "what could not be told is told the next time"


LOW = "--set monitor.disk_warn=1 --set monitor.disk_fail=1 --only disk"
