"""The unit as systemd itself rates it, without a host: `systemd-analyze security --offline`."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from iris_migrate.language.load import load

AT_MOST = 3.0


def offline() -> bool:
    """Whether this machine's systemd rates files (from 250 on)."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return False
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"systemd (\d+)", said)
    return found is not None and int(found[1]) >= 250


@pytest.mark.skipif(not offline(), reason="no systemd-analyze of version 250 or newer on this machine")
@pytest.mark.parametrize("logs", ["journal", "files"])
def test_the_unit_may_do_little(tmp_path: Path, logs: str) -> None:
    unit = str(load("lambda-to-ec2", flags={"logs": logs}).step("unit-file").with_["content"])
    file = tmp_path / "iris-backend.service"
    file.write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(file)], capture_output=True, text=True,
        check=False, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "SYSTEMD_COLORS": "0"},
    )  # fmt: skip
    overall = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert overall is not None, done.stderr
    assert float(overall[1]) <= AT_MOST, done.stdout
    # What is still open is explained beside the settings, each by its name.
    comments = "\n".join(line for line in unit.splitlines() if line.startswith("#"))
    for line in done.stdout.splitlines():
        if line.startswith("✗"):
            names = re.findall(r"[A-Z][A-Za-z]+(?==)|AF_[A-Z0-9]+", line.split()[1].replace("(", ""))
            assert any(name in comments for name in names), f"not explained: {line}"


def test_the_unit_has_the_limits_that_a_small_host_needs() -> None:
    unit = str(load("lambda-to-ec2").step("unit-file").with_["content"])
    for line in ("MemoryMax=75%", "StartLimitBurst=10", "NoNewPrivileges=true", "User=iris", "PrivateTmp=true"):
        assert f"\n{line}\n" in unit
    path = re.search(r'^Environment="PATH=([^"]+)"$', unit, re.MULTILINE)
    assert path is not None and path[1].split(":")[0].endswith("/venv/bin") and "/usr/bin" in path[1].split(":")
