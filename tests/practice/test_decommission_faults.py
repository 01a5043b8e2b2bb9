"""Every call of a decommission goes wrong in turn, and the run is killed after each: it ends as an undisturbed one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.practice.grounds import new_side

pytestmark = [pytest.mark.slow, pytest.mark.long]
WORKERS = 4
# Of so many cases one is tried, so that all ways and both halves of the run are met in a minute or two; 1 tries all.
# No multiple of 2 or 3: each changing call has six ways, one after the other.
EVERY = os.environ.get("IRIS_FAULTS_EVERY", "7")


def test_each_call_in_each_way_and_each_kill_ends_as_an_undisturbed_run(tmp_path: Path) -> None:
    with new_side() as url:
        done = subprocess.run(
            [sys.executable, "-m", "tests.practice.fault_cases", str(tmp_path), url, str(WORKERS), EVERY],
            capture_output=True, text=True, timeout=1200, check=False,
        )  # fmt: skip
    assert done.stdout, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{found['cases']} of {found['of']} cases in {found['seconds']} s: {found['ways']}")
    assert found["wrong"] == {}
    assert set(found["ways"]) == {"throttle", "conflict", "error", "denied", "cut-before", "cut-after", "killed"}
    assert found["cases"] * int(EVERY) >= found["of"] > 200
