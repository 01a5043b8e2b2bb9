"""A decommission under every fault, each from a fork of one seeded world.

`python -m tests.practice.fault_cases FOLDER NEW_URL WORKERS EVERY` runs every so manieth case (1: all) and prints one
JSON object. Two starting points: before the archive, and switched off long enough for the deletes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_migrate.rehearsal.aws.cloud import prepare_moto
from tests.practice.forked import Hands, World, prepare, until_done, warm, worked_on

READ_WAYS = ("throttle", "error", "denied", "cut-before")  # a read is not in conflict, and it changes nothing


@dataclass(frozen=True)
class Case:
    """One run: with a fault of the practice AWS, or killed after the call of this number, or undisturbed."""

    name: str
    leg: str
    action: str = ""
    way: str = ""
    skip: int = 0
    kill: int = 0


def run_case(world: World, case: Case, start: Path) -> dict[str, Any]:
    """In a fork: the case from a copy of the folder at its starting point."""
    from iris_migrate.rehearsal.aws.faults import way
    from iris_migrate.rehearsal.aws.ledger import Ledger

    folder = world.folder / "cases" / case.name
    shutil.copytree(start, folder)
    (folder / "carried-out").unlink(missing_ok=True)
    world.cloud.app.ledger = Ledger()
    if case.way:
        world.cloud.app.practice.faults.add(way(case.way, case.action, 1, case.skip))
    starts = worked_on(world, lambda: until_done(world, folder, case.leg, case.kill))
    said = (folder / "said.txt").read_text().splitlines()[-12:]
    events = (folder / "carried-out").stat().st_size if (folder / "carried-out").exists() else 0
    shutil.rmtree(folder)
    calls = world.calls()
    return {
        "name": case.name, "starts": starts, "stands": world.stands(), "calls": calls, "said": said, "changes": events,
        "met": sum(bool(call["fault"]) for call in calls),
    }  # fmt: skip


def in_forks(world: World, cases: Sequence[Case], start: Path, workers: int) -> list[dict[str, Any]]:
    """Each case in a fork of its own, so many at a time."""
    running: dict[int, Path] = {}
    found: list[dict[str, Any]] = []
    waiting = list(cases)
    at = world.hands.read()
    while waiting or running:
        while waiting and len(running) < workers:
            case = waiting.pop(0)
            result = world.folder / f"{case.name}.json"
            child = os.fork()
            if not child:
                try:
                    world.hands = Hands(at)
                    world.cloud.app.practice.clock._base = world.hands.read
                    result.write_text(json.dumps(run_case(world, case, start), default=str))
                except BaseException as error:
                    failed = {"name": case.name, "starts": [], "said": [f"{type(error).__name__}: {error}"]}
                    result.write_text(json.dumps(failed))
                finally:
                    os._exit(0)
            running[child] = result
        child, _ = os.wait()
        if child in running:
            found.append(json.loads(running.pop(child).read_text()))
    return found


def cases_of(leg: str, clean: Mapping[str, Any], read: set[str]) -> list[Case]:
    """Every changing call in six ways, every reading operation (but those that were `read` in an earlier leg) once in
    each way that applies, a kill after every change."""
    from iris_migrate.rehearsal.aws.faults import WAYS

    cases: list[Case] = []
    seen: Counter[str] = Counter()
    for call in clean["calls"]:
        action = f"{call['service']}:{call['operation']}"
        ways = WAYS if call["write"] else READ_WAYS if not seen[action] and action not in read else ()
        skip = seen[action]
        cases += [Case(f"{leg}-{action.replace(':', '-')}-{skip}-{name}", leg, action, name, skip) for name in ways]
        seen[action] += 1
    return cases + [Case(f"{leg}-killed-{number}", leg, kill=number) for number in range(1, clean["changes"] + 1)]


def wrong(result: Mapping[str, Any], clean: Mapping[str, Any], case: Case) -> str:
    """What is not as after the clean run; empty when all is."""
    if not result["starts"] or result["starts"][-1] != 0:
        return f"it did not come to its end: {result['starts']}; {' | '.join(result['said'])}"
    if case.way and not result["met"]:
        return "the fault was not met"
    if case.kill and -signal.SIGKILL not in result["starts"]:
        return "nothing was killed"
    if result["stands"] != clean["stands"]:
        return f"it stands otherwise: {result['stands']}"
    known, foreign = written(clean), written(result)
    return f"touched besides: {sorted(foreign - known)}" if foreign - known else ""


def written(result: Mapping[str, Any]) -> set[str]:
    """The changing calls; when something was noted is another time in each run."""
    return {
        json.dumps([call["operation"], {name: value for name, value in call["params"].items() if name != "Tags"}])
        for call in result["calls"] if call["write"]
    }  # fmt: skip


def main(folder: Path, new_url: str, workers: int, every: int) -> int:
    """All cases (or every so manieth); prints how many there were and which went wrong."""
    (folder / "moto").mkdir()
    prepare_moto(folder / "moto")
    warm()
    began = time.monotonic()
    world, start = prepare(folder, new_url)
    counted: Counter[str] = Counter()
    known, read = 0, set[str]()
    went_wrong: dict[str, str] = {}
    for leg in ("archive", "delete"):
        assert threading.active_count() == 1, threading.enumerate()
        (clean,) = in_forks(world, [Case(f"{leg}-clean", leg)], start, 1)
        if why := wrong(clean, clean, Case("clean", leg)):
            raise SystemExit(f"{leg}: {why}")
        cases = cases_of(leg, clean, read)
        read |= {f"{call['service']}:{call['operation']}" for call in clean["calls"]}
        known, cases = known + len(cases), cases[::every]
        for result in in_forks(world, cases, start, workers):
            case = next(item for item in cases if item.name == result["name"])
            counted["killed" if case.kill else case.way] += 1
            if why := wrong(result, clean, case):
                went_wrong[case.name] = why
        if leg == "archive":
            worked_on(world, lambda: until_done(world, start, "archive", 0))
            world.hands.set(world.hands.read() + 26 * 3600.0)
    document = {"cases": sum(counted.values()), "of": known, "ways": counted, "wrong": went_wrong,
                "seconds": round(time.monotonic() - began, 1)}  # fmt: skip
    print(json.dumps(document))
    return 1 if went_wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
