"""What goes wrong on a real host: the failing lines, the cause, a retry that works, and nothing half-written."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from iris_migrate.language.troubleshooting import book
from iris_migrate.rehearsal.systemd import claims
from tests.host.site import LIMIT, Site
from tests.practice.run import Done

HALF_WRITTEN = "find /etc /opt /usr/local /var/iris /var/lib/iris-migrate /root -xdev -name '.iris-migrate.*'"


@dataclass(frozen=True)
class Case:
    """One entry of bad_input.yaml."""

    name: str
    plant: str
    world: str = ""
    volume: str = ""
    fails: Mapping[str, str] = field(default_factory=dict)
    meanwhile: Mapping[str, str] = field(default_factory=dict)
    finds: Mapping[str, str] = field(default_factory=dict)
    relieve: str = ""
    back: str = ""
    once: str = ""


CASES = [Case(**item) for item in yaml.safe_load(Path(__file__).with_name("bad_input.yaml").read_text())["cases"]]
CAUSES = {cause.id: cause.says for symptom in book("lambda-to-ec2").symptoms.values() for cause in symptom.causes}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_it_is_told_and_a_retry_works(case: Case, site: Site, tmp_path: Path) -> None:
    with planted(site, case, tmp_path) as relieve:
        before = counted(site, case)
        if case.meanwhile:
            through = run_through(site, case, relieve, tmp_path)
            assert through.status == 0, through.why()
        elif case.finds:
            found = site.program("verify", "--format", "json")
            told(found, case.finds)
        else:
            failed = site.migrate()
            assert failed.status == 1, failed.why()
            told(failed, case.fails)
        assert site.said(HALF_WRITTEN) == ""
        relieve()
        again = site.migrate()
        assert again.status == 0, again.why()
        assert site.said(HALF_WRITTEN) == ""
    if case.once:
        assert counted(site, case) == before + 1, "it was done once"
    if case.back:
        settled = site.migrate()
        assert settled.status == 0, settled.why()


def counted(site: Site, case: Case) -> int:
    return int(site.said(f"{case.once} || true")) if case.once else 0


def told(found: Done, wanted: Mapping[str, str]) -> None:
    """The step says what is wrong, in the tool's own lines where one failed, and the cause is named with it."""
    step = next(item for item in found.document["steps"] if item["id"] == wanted["step"])
    assert step["status"] not in {"holds", "left-out"}, found.why()
    assert wanted["says"] in f"{step['evidence']}{found.err}", found.why()
    named = {item["id"] for item in step.get("causes", ())}  # a run tells them where it failed
    assert wanted["cause"] in named or f"Cause: {CAUSES[wanted['cause']]}" in found.err, f"{step}\n{found.why()}"


@contextmanager
def planted(site: Site, case: Case, folder: Path) -> Iterator[Any]:
    """The trouble; yields what ends it. Afterwards the host is as it was."""
    with ExitStack() as stack:
        relieved = threading.Event()

        def relieve() -> None:
            if relieved.is_set():
                return
            relieved.set()
            if case.world:
                site.control("faults", {"mend": case.world})
            if case.relieve:
                site.said(case.relieve)

        if case.back:
            stack.callback(lambda: site.said(case.back))
        if case.volume:
            stack.enter_context(small_volume(site, case.volume, folder))
        stack.callback(relieve)
        site.said(case.plant)
        if case.world:
            site.control("faults", {"add": case.world})
        yield relieve


def run_through(site: Site, case: Case, relieve: Any, folder: Path) -> Done:
    """A run during which something happens as soon as it tells these words."""
    command = [sys.executable, "-m", "iris_migrate.cli", "migrate", "--auto", "--format", "json"]
    result, said, told = folder / "result.json", "", False
    with result.open("wb") as out:
        running = subprocess.Popen(
            command, env=site.world.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
    assert running.stderr is not None
    late = threading.Timer(LIMIT, running.kill)
    late.start()
    try:
        for line in running.stderr:
            said += line
            if not told and case.meanwhile["told"] in line and "▶" not in line:
                told = True
                site.said(case.meanwhile.get("do", "true"))
                relieve()
        done = Done(running.wait(), result.read_text(), said)
    finally:
        late.cancel()
        running.kill()
    assert told, done.why()
    return done


@contextmanager
def small_volume(site: Site, path: str, folder: Path) -> Iterator[None]:
    """An ext4 of 3 GB at a path of the host, which lies in a sparse file of this machine."""
    image = folder / "volume"
    with image.open("wb") as file:
        file.truncate(3 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(image)], check=True)
    device = subprocess.run(["losetup", "--find", "--show", str(image)], check=True, capture_output=True, text=True)
    name = device.stdout.strip()
    entering = ["nsenter", "--target", str(leader(site)), "--all", "--", "sh", "-ec"]
    node = f"[ -e {name} ] || mknod {name} b 7 {name.removeprefix('/dev/loop')}"
    try:
        subprocess.run([*entering, f"{node}; mount {name} {path}"], check=True)
        yield
    finally:
        subprocess.run([*entering, f"umount --lazy {path}"], check=False)
        subprocess.run(["losetup", "--detach", name], check=False)


def leader(site: Site) -> int:
    """The id of the host's init on this machine."""
    number = site.said("hostname").rpartition("-")[2]
    pid = yaml.safe_load((claims.FOLDER / f"{number}.json").read_text())["nspawn"][0]
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
