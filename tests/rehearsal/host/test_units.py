"""Units on the practice host: real gunicorn under its systemctl, its journal, restarts, and the plan's traps."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iris_migrate.rehearsal.host.init import processes
from iris_migrate.rehearsal.host.init.unit_files import environment_file, span, words
from iris_migrate.rehearsal.host.tree import MARKER
from tests.practice_host import PracticeAccess, run

GUNICORN = Path(sys.executable).parent / "gunicorn"
APP = """\
import flask
app = flask.Flask(__name__)
@app.get("/x")
def x():
    print("asked", flush=True)
    return "hi"
"""
UNIT = """\
[Unit]
Description=A small service
[Service]
Type=notify
User=iris
WorkingDirectory={root}/opt/app
EnvironmentFile={root}/opt/app/.env
ExecStart={gunicorn} --bind 127.0.0.1:{port} \\
    --access-logfile - app:app
ExecReload=/bin/kill -s HUP $MAINPID
Restart=always
RestartSec=200ms
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture
def host(practice_host: PracticeAccess) -> Iterator[PracticeAccess]:
    root = practice_host.root
    practice_host.run("sudo useradd --system --user-group --no-create-home iris")
    (root / "opt/app").mkdir()
    (root / "opt/app/app.py").write_text(APP)
    (root / "opt/app/.env").write_text("A_KEY=secret\n")
    write(practice_host)
    yield practice_host


def write(host: PracticeAccess, text: str = UNIT, name: str = "small.service") -> None:
    filled = text.format(root=host.root, gunicorn=GUNICORN, port=host.host.ports.app)
    (host.root / "etc/systemd/system" / name).write_text(filled)


def show(host: PracticeAccess, unit: str = "small") -> dict[str, str]:
    lines = host.run(f"systemctl show {unit}").out.splitlines()
    return dict(line.split("=", 1) for line in lines)


def until(condition: Callable[[], bool], within: float = 10.0) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def test_a_service_starts_answers_logs_and_survives_a_reboot(host: PracticeAccess) -> None:
    ran = host.run("sudo systemctl enable --now small")
    assert ran.status == 0 and "Created symlink" in ran.err
    seen = show(host)
    assert (seen["ActiveState"], seen["SubState"], seen["UnitFileState"]) == ("active", "running", "enabled")
    assert seen["NeedDaemonReload"] == "no" and len(seen["InvocationID"]) == 32 and seen["Result"] == "success"
    assert int(seen["ActiveEnterTimestampMonotonic"]) >= int(seen["ExecMainStartTimestampMonotonic"]) > 0
    assert host.run(f"curl -s http://127.0.0.1:{host.host.ports.app}/x").out == "hi"
    names = host.run(f"tr '\\0' '\\n' < /proc/{seen['MainPID']}/environ | cut -d= -f1").out.split()
    assert {"A_KEY", "INVOCATION_ID", "NOTIFY_SOCKET", "USER"} <= set(names)
    until(lambda: "asked" in host.run("journalctl -u small -o cat").out)
    entry = json.loads(host.run("journalctl -u small -o json --grep asked -n 1").out)
    assert (entry["_SYSTEMD_UNIT"], entry["_PID"], entry["SYSLOG_IDENTIFIER"]) == (
        "small.service",
        seen["MainPID"],
        "gunicorn",
    )
    listening = host.run("ss -Hltnp").out
    assert f'127.0.0.1:{host.host.ports.app} 0.0.0.0:* users:(("gunicorn",pid=' in listening

    (host.root / "run/left").touch()
    host.host.reboot()
    until(lambda: show(host)["ActiveState"] == "active")
    assert not (host.root / "run/left").exists() and not Path(f"/proc/{seen['MainPID']}").exists()
    assert show(host)["InvocationID"] != seen["InvocationID"]
    assert host.run("journalctl -u small -o cat -b -1 --grep asked").status == 0
    assert host.run("journalctl -u small -o cat -b --grep asked").status == 1


def test_a_reboot_asked_for_on_the_host_happens(host: PracticeAccess) -> None:
    transport = host.connect()
    channel = transport.open_session()
    channel.exec_command("sudo reboot; sleep 60")
    assert host.host.rebooted.wait(10)
    assert channel.recv_exit_status() == -1  # a signal ended it, or the connection was cut before that could be said
    assert host.run("true").status == 0


def test_commands_are_asked_to_end_before_the_host_goes_down(host: PracticeAccess) -> None:
    transport = host.connect()
    channel = transport.open_session()
    channel.exec_command("trap 'echo asked > heard; exit' TERM; echo waits; sleep 60 & wait")
    assert channel.recv(64) == b"waits\n"
    host.run("sudo reboot")
    assert host.host.rebooted.wait(10)
    assert (host.root / "home/ubuntu/heard").read_text() == "asked\n"
    transport.close()


def test_a_unit_that_stands_for_the_system_has_no_commands_among_its_processes(host: PracticeAccess) -> None:
    assert host.run("sudo systemctl kill ssh; echo still here").out == "still here\n"


def test_a_trailing_comment_is_part_of_the_environment_files_path(host: PracticeAccess) -> None:
    write(host, UNIT.replace("app/.env", "app/.env  # Load env variables").replace("Restart=always\n", ""))
    ran = host.run("sudo systemctl start small")
    assert ran.status == 1 and "because of unavailable resources or another system error" in ran.err
    assert show(host)["Result"] == "resources" and show(host)["ActiveState"] == "failed"
    assert "Failed to load environment files: No such file or directory" in host.run("journalctl -u small").out
    assert host.run(f"systemd-analyze verify {host.root}/etc/systemd/system/small.service").status == 0


def test_a_unit_without_exec_reload_cannot_be_reloaded(host: PracticeAccess) -> None:
    write(host, UNIT.replace("ExecReload=/bin/kill -s HUP $MAINPID\n", ""))
    host.run("sudo systemctl start small")
    ran = host.run("sudo systemctl reload small")
    assert ran.status == 1 and "Job type reload is not applicable for unit small.service" in ran.err


def test_a_changed_unit_needs_a_daemon_reload_and_runs_as_loaded_until_then(host: PracticeAccess) -> None:
    host.run("sudo systemctl enable --now small")
    write(host, UNIT.replace("A small service", "Another one"))
    assert show(host)["NeedDaemonReload"] == "yes"
    ran = host.run("sudo systemctl restart small")
    assert ran.status == 0 and "changed on disk. Run 'systemctl daemon-reload'" in ran.err
    assert show(host)["Description"] == "A small service"
    host.run("sudo systemctl daemon-reload")
    assert show(host)["NeedDaemonReload"] == "no" and show(host)["Description"] == "Another one"


def test_a_reload_keeps_the_main_process_and_replaces_its_workers(host: PracticeAccess) -> None:
    host.run("sudo systemctl start small")
    main = show(host)["MainPID"]
    children = f"cat /proc/{main}/task/{main}/children"
    until(lambda: bool(host.run(children).out.strip()))
    before = host.run(children).out.split()
    assert host.run("sudo systemctl reload small").status == 0
    until(lambda: not set(before) & set(host.run(children).out.split()) and bool(host.run(children).out.strip()))
    assert show(host)["MainPID"] == main and show(host)["NRestarts"] == "0"


def test_a_killed_service_comes_back_and_is_counted(host: PracticeAccess) -> None:
    host.run("sudo systemctl start small")
    before = show(host)
    host.run(f"kill -s KILL {before['MainPID']}")
    until(lambda: show(host)["NRestarts"] == "1" and show(host)["ActiveState"] == "active")
    after = show(host)
    assert after["MainPID"] != before["MainPID"] and after["InvocationID"] != before["InvocationID"]
    said = host.run("journalctl -u small -o cat").out
    assert "Main process exited, code=killed, status=9/KILL" in said
    assert "Scheduled restart job, restart counter is at 1." in said


def test_a_service_that_ends_again_and_again_reaches_the_start_limit(host: PracticeAccess) -> None:
    text = "[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=10ms\n"
    write(host, text, "loop.service")
    assert host.run("sudo systemctl start loop").status == 0
    until(lambda: show(host, "loop")["ActiveState"] == "failed")
    assert show(host, "loop")["NRestarts"] == "5"
    assert "Start request repeated too quickly." in host.run("journalctl -u loop -o cat").out
    assert host.run("systemctl is-system-running").out == "degraded\n"
    assert host.run("systemctl is-failed loop; systemctl status loop").out.startswith("failed\n× loop.service")


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("User=ghost", 217, "status=217/USER"),
        ("WorkingDirectory=/nowhere-at-all", 200, "status=200/CHDIR"),
        ("ReadWritePaths=/nowhere-at-all", 226, "status=226/NAMESPACE"),
    ],
)
def test_a_service_that_cannot_be_started_says_why(host: PracticeAccess, line: str, status: int, said: str) -> None:
    write(host, f"[Service]\nType=exec\n{line}\nExecStart=/bin/true\n", "odd.service")
    assert host.run("sudo systemctl start odd").status == 1
    assert show(host, "odd")["ExecMainStatus"] == str(status)
    assert said in host.run("journalctl -u odd -o cat").out


def test_the_journal_is_followed_from_a_cursor_without_loss(host: PracticeAccess) -> None:
    host.run("logger -t counted zero")
    cursor = host.run("journalctl -t counted --show-cursor").out.splitlines()[-1].removeprefix("-- cursor: ")
    transport = host.connect()
    channel = transport.open_session()
    channel.exec_command(f"journalctl -t counted -o json --output-fields=MESSAGE,PRIORITY -f --after-cursor='{cursor}'")
    received = bytearray()
    reader = threading.Thread(target=lambda: [received.extend(part) for part in iter(lambda: channel.recv(4096), b"")])
    reader.start()
    host.run("for n in 1 2 3 4 5; do logger -t counted -p user.err line $n; done")
    until(lambda: received.count(b"\n") == 5)
    entries = [json.loads(line) for line in received.splitlines()]
    assert [entry["MESSAGE"] for entry in entries] == [f"line {n}" for n in range(1, 6)]
    assert {entry["PRIORITY"] for entry in entries} == {"3"}
    paged = host.run(f"journalctl -t counted -o json -n 2 --after-cursor='{entries[1]['__CURSOR']}'").out.splitlines()
    assert [json.loads(line)["MESSAGE"] for line in paged] == ["line 3", "line 4"]
    channel.close()
    reader.join(5)
    transport.close()
    until(lambda: not any(b"counted" in _title(pid) for pid in processes.marked(MARKER, str(host.root))))


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_the_journals_filters(host: PracticeAccess) -> None:
    host.run("logger -t one -p user.err bad; logger -t one good; printf 'a\\033[31mb\\n' | logger -t raw")
    assert host.run("journalctl -t one -p err -o cat").out == "bad\n"
    assert host.run("journalctl -t one -n 1 -o cat").out == "good\n"
    assert host.run("journalctl -t one --since '1 hour ago' -g BAD -o cat").out == ""
    assert host.run("journalctl -t one -g bad --no-pager -q").out.count("\n") == 1
    assert host.run("journalctl -u nothing").out == "-- No entries --\n"
    assert json.loads(host.run("journalctl -t raw -o json").out)["MESSAGE"] == list(b"a\x1b[31mb")
    assert "[7B blob data]" in host.run("journalctl -t raw").out
    assert host.run("journalctl --frobnicate").status == 1
    assert host.run("journalctl -t one --until '1 hour ago'").out == "-- No entries --\n"


def test_a_burst_over_the_rate_limit_is_suppressed_and_said_so(host: PracticeAccess) -> None:
    loud = "i=0; while [ $i -lt 300 ]; do echo line; i=$((i+1)); done; sleep 1.2; echo end; sleep 60"
    text = f"[Service]\nLogRateLimitIntervalSec=1s\nLogRateLimitBurst=100\nExecStart=/bin/sh -c '{loud}'\n"
    write(host, text.replace("$", "$$").replace("{", "{{").replace("}", "}}"), "loud.service")
    assert host.run("sudo systemctl start loud").status == 0
    until(lambda: "end" in host.run("journalctl -u loud -o cat").out)
    assert host.run("journalctl -u loud -o cat -g '^line'").out.count("line") == 100
    assert host.run("journalctl -g Suppressed -o cat").out == "Suppressed 200 messages from loud.service\n"


def test_units_that_come_with_the_system_are_there(host: PracticeAccess) -> None:
    ran = host.run(
        "systemctl is-active ssh logrotate.timer apt-daily-upgrade.timer; systemctl is-enabled logrotate.timer"
    )
    assert ran.out == "active\nactive\nactive\nenabled\n"
    assert "logrotate.timer" in host.run("systemctl list-timers --no-legend").out


def test_show_of_many_units_answers_in_order_also_for_the_missing(host: PracticeAccess) -> None:
    out = host.run("systemctl show -p Id,LoadState small nothing ssh.service").out
    assert [block.split("\n")[0] for block in out.split("\n\n")] == [
        "Id=small.service",
        "Id=nothing.service",
        "Id=ssh.service",
    ]
    assert out.count("LoadState=not-found") == 1


def test_nothing_is_left_after_stop(host: PracticeAccess) -> None:
    host.run("sudo systemctl start small")
    transport = host.connect()
    run(transport, "setsid sh -c 'trap \"\" TERM HUP; sleep 300' >/dev/null 2>&1 & (sleep 301 >/dev/null 2>&1 &)")
    assert processes.marked(MARKER, str(host.root))
    host.host.stop()
    assert processes.marked(MARKER, str(host.root)) == set()
    transport.close()


def test_nothing_is_left_when_the_whole_program_is_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\nfrom tests.practice_host import make\n"
        "a = make(pathlib.Path(sys.argv[1]))\na.run('setsid sleep 300 >/dev/null 2>&1 &')\n"
        "print('up', flush=True)\ntime.sleep(60)\n"
    )
    started = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path.cwd())
    assert started.stdout is not None and started.stdout.readline() == b"up\n"
    assert len(processes.marked(MARKER, str(tmp_path / "root"))) >= 2
    started.send_signal(signal.SIGKILL)
    started.wait()
    started.stdout.close()
    until(lambda: processes.marked(MARKER, str(tmp_path / "root")) == set())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=b # c\n", {"A": "b # c"}), ("A='x y'\nB=\"q\\\"r\"\n", {"A": "x y", "B": 'q"r'}), ("A=\n", {"A": ""}),
        ("A=p${HOME}x\n", {"A": "p${HOME}x"}), ("export A=1\nB=2\n", {"B": "2"}), ("A=one\\\ntwo\n", {"A": "onetwo"}),
        ("# A=1\n;B=2\nC=3", {"C": "3"}),
        ("A=it's\n", {"A": "it's"}), ("A = x \n", {"A": "x"}), ("1A=x\n", {}), ("A='$x\\n'\n", {"A": "$x\\n"}),
    ],
)  # fmt: skip
def test_environment_files_are_read_as_systemd_reads_them(text: str, expected: dict[str, str]) -> None:
    assert environment_file(text) == expected


def test_words_and_spans_of_unit_files() -> None:
    assert words("""/bin/sh -c 'a "b"' "c d" e\\ f""") == ["/bin/sh", "-c", 'a "b"', "c d", "e f"]
    assert [span(text) for text in ("10", "1min 30s", "250ms", "2h")] == [10.0, 90.0, 0.25, 7200.0]
