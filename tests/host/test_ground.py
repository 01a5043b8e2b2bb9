"""What a real host needs of a machine, and that nothing of it is left: after an end in order, and after a crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from iris_migrate import exits
from iris_migrate.rehearsal.launch import World, start_world
from iris_migrate.rehearsal.systemd import cgroups, claims, image, network, sources


def numbers() -> dict[int, int]:
    """Who has claimed which number on this machine: process ids of worlds with their numbers."""
    notes = claims.FOLDER.glob("*.json") if claims.FOLDER.is_dir() else ()
    return {int(json.loads(path.read_text())["owner"][0]): int(path.stem) for path in notes}


def number_below(parent: int) -> int:
    """The number of the world that a process has started."""
    status = {pid: Path(f"/proc/{pid}/status").read_text() for pid in numbers() if Path(f"/proc/{pid}").exists()}
    [pid] = [pid for pid, text in status.items() if f"\nPPid:\t{parent}\n" in text]
    return numbers()[pid]


def traces(number: int) -> list[str]:
    """Everything that a host of this number leaves where it is not taken down."""
    us = network.name(number)
    found = [f"process {pid}" for pid in cgroups.processes(number)]
    found += [str(folder) for folder in (*cgroups.folders(number), image.cache() / f"host-{number}") if folder.exists()]
    for command in (["ip", "netns"], ["ip", "-brief", "link"], ["iptables-save"]):
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found += [f"{command[0]}: {line}" for line in said.splitlines() if us in line or network.subnet(number) in line]
    return found


def start() -> tuple[World, int]:
    world = start_world(more=["--host", "systemd"], timeout=240)
    return world, numbers()[world.process.pid]


@pytest.mark.usefixtures("machine")
def test_nothing_is_left_after_an_end_in_order() -> None:
    world, number = start()
    assert traces(number)
    assert world.stop() == 0
    assert traces(number) == []
    assert world.process.pid not in numbers()


@pytest.mark.usefixtures("machine")
def test_the_next_start_removes_what_a_crash_left_and_nothing_else() -> None:
    other, others = start()
    crashed, number = start()
    boot(crashed)
    crashed.process.kill()
    crashed.process.wait()
    assert traces(number)
    kept = traces(others)
    try:
        world, _ = start()
        world.stop()
        assert traces(number) == []
        assert traces(others) == kept
        assert other.alive
    finally:
        other.stop()


def boot(world: World) -> None:
    """Let the host of a world run, as a migration does first of all."""
    migrating = subprocess.Popen(
        [sys.executable, "-m", "iris_migrate.cli", "migrate", "--auto"], env=world.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert migrating.stdout is not None
    assert any("Connected to 10." in line for line in migrating.stdout)
    migrating.terminate()
    migrating.communicate()


@pytest.mark.skipif(os.geteuid() != 0, reason="shows what somebody without root is told, which root has to start")
def test_without_root_it_says_what_is_missing() -> None:
    # Imported as root: somebody else may not read where this Python lies.
    code = "import os, sys, moto, iris_migrate.rehearsal.systemd.image, iris_migrate.rehearsal.systemd.progress\n"
    code += "from iris_migrate.cli import main, parser; from iris_migrate.commands import migrate; parser()\n"
    code += "import iris_migrate.rehearsal.launch; os.setgid(65534); os.setuid(65534); sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "rehearse", "--host", "systemd", "--auto"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, cwd="/", env=os.environ | {"HOME": "/tmp"}
    )
    assert done.returncode == 3, done.stderr
    assert "It takes root" in done.stderr and "sudo" in done.stderr


def test_without_packages_it_names_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from iris_migrate.rehearsal.systemd import needs

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(needs, "_PLACES", str(tmp_path))
    for name in set(needs.PROGRAMS) - {"debootstrap", "pebble"}:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    [said] = [item for item in needs.missing() if "Packages" in item]
    assert said == "Packages are missing: sudo apt-get install debootstrap pebble"


ROWS = [
    "http://deb.example.org/debian/|bookworm|bookworm|main|Debian",
    "http://deb.example.org/debian/|bookworm|bookworm|contrib|Debian",
    "http://security.example.org/|bookworm-security|bookworm-security|main|Debian",
    "https://packages.example.com/tool|tool|tool|main|Somebody",
]


def test_the_mirror_is_the_machines_own() -> None:
    dump = ['Acquire::http::Proxy "http://proxy.example.org:3128";', 'APT::Architecture "amd64";']
    found = sources.choose(ROWS, dump)
    assert (found.release, found.profile, found.mirror) == ("bookworm", "debian-12", "http://deb.example.org/debian/")
    assert found.lines == (
        "deb http://deb.example.org/debian/ bookworm main contrib",
        "deb http://security.example.org/ bookworm-security main",
    )
    assert found.settings == 'Acquire::http::Proxy "http://proxy.example.org:3128";\n'


def test_a_machine_of_another_release_is_told_so() -> None:
    from iris_migrate.rehearsal.systemd.needs import NotHere

    with pytest.raises(NotHere, match="bookworm, jammy, noble"):
        sources.choose(["http://deb.example.org/debian/|sid|unstable|main|Debian"], [])


@pytest.mark.usefixtures("machine")
def test_ctrl_c_in_the_middle_takes_everything_down() -> None:
    command = [sys.executable, "-m", "iris_migrate.cli", "rehearse", "--host", "systemd", "--auto"]
    rehearsing = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert rehearsing.stderr is not None
    assert any("Connected to 10." in line for line in rehearsing.stderr)  # the host runs, and is worked on
    number = number_below(rehearsing.pid)
    rehearsing.send_signal(signal.SIGINT)
    rehearsing.communicate(timeout=120)
    assert rehearsing.returncode == exits.INTERRUPTED
    assert traces(number) == []
