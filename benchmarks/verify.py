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
        host = (*_host(), yaml.safe_load((checklists_folder() / "profiles.yaml").read_text())["practice"]["user"])
        yield _figure("next door", host, settings["ssh.port"], settings)
        with delaying(host[0], settings["ssh.port"], 0.08) as far:
            yield _figure("80 ms away", host, far, settings)


def _host() -> tuple[str, str]:
    """The Elastic IP and its instance."""
    import boto3

    [found] = boto3.client("ec2").describe_addresses()["Addresses"]
    return str(found["PublicIp"]), str(found["InstanceId"])


def _figure(where: str, host: tuple[str, str, str], port: int, settings: dict[str, str]) -> Figure:
    address, instance, user = host
    ours = [
        sys.executable, "-m", "iris_migrate.cli", "verify", str(HERE / "twenty"), "--format", "json",
        "--set", f"host.address={address}", "--set", f"host.instance={instance}", "--set", f"ssh.port={port}",
    ]  # fmt: skip
    floor = [
        sys.executable, str(HERE / "twenty" / "floor.py"), address, str(port), user,
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
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command[1]} ended with {done.returncode}: {done.stderr[-1000:]}")
    return time.monotonic() - started
