"""`verify` of twenty host checks as a whole process, against a short paramiko script that asks the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from benchmarks import world
from benchmarks.figure import Figure, median, spread
from benchmarks.proxy import delaying
from iris_migrate.language.data import checklists_folder

ROUNDS = 7
HERE = Path(__file__).parent


def run() -> Iterator[Figure]:
    with world.finished() as practice:
        settings = yaml.safe_load(Path(practice.env["IRIS_MIGRATE_SETTINGS"]).read_text())
        address, user = (
            _address(),
            yaml.safe_load((checklists_folder() / "profiles.yaml").read_text())["practice"]["user"],
        )
        yield _figure("next door", address, settings["ssh.port"], settings, user)
        with delaying(address, settings["ssh.port"], 0.08) as far:
            yield _figure("80 ms away", address, far, settings, user)


def _address() -> str:
    """The Elastic IP, as `verify` of the whole checklist tells it."""
    import boto3

    return str(boto3.client("ec2").describe_addresses()["Addresses"][0]["PublicIp"])


def _figure(where: str, address: str, port: int, settings: dict[str, str], user: str) -> Figure:
    ours = [
        sys.executable, "-m", "iris_migrate.cli", "verify", str(HERE / "twenty"), "--format", "json",
        "--set", f"host.address={address}", "--set", f"ssh.port={port}",
    ]  # fmt: skip
    floor = [
        sys.executable, str(HERE / "floor_verify.py"), address, str(port), user,
        settings["ssh.key"], settings["host.root"],
    ]  # fmt: skip
    found = json.loads(subprocess.run(ours, capture_output=True, text=True, check=False, env=os.environ).stdout)
    if len(found["steps"]) != 20 or found["summary"] != {"holds": 20}:
        raise SystemExit(f"not the twenty checks that hold: {found['summary']}")
    mine, least = [], []
    for _ in range(ROUNDS):
        mine.append(_seconds(ours))
        least.append(_seconds(floor))
    beside = f"{spread(mine)} s, the script {spread(least)} s"
    return Figure(f"verify of 20 host checks, {where}", median(mine) / median(least), "x", 1.5, beside)


def _seconds(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - started
