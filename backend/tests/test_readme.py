"""The lines of the README work when pasted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from model_server import ModelServer
from service import BACKEND, KEY, Service, free_port, until

BLOCKS = re.findall(r"```sh\n(.*?)```", (BACKEND / "README.md").read_text(), re.DOTALL)
ASKING = [block for block in BLOCKS if "curl" in block]


def paste(block: str, port: int) -> str:
    """Run a block as a shell would, against the port of the test's own service."""
    needed = [program for program in ("curl", "jq", "nl") if re.search(rf"\b{program}\b", block)]
    missing = [program for program in needed if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    environment = {"PATH": os.environ["PATH"], "IRIS_API_KEY": f"{KEY},another"}
    command = ["bash", "-euo", "pipefail", "-c", block.replace("127.0.0.1:8080", f"127.0.0.1:{port}")]
    return subprocess.run(command, cwd=BACKEND, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("number", range(len(ASKING)))
def test_the_curl_lines_work_when_pasted(service: Callable[..., Service], number: int) -> None:
    running = service(IRIS_WORKERS="1")
    told = paste(ASKING[number], running.port)
    if "/metrics" in ASKING[number]:
        stats, _, metrics = told.partition("# HELP")
        assert json.loads(stats)["success"] is True
        assert "iris_cache_hits_total 0" in metrics
    else:
        answer = json.loads(told)
        assert answer.get("success", answer.get("status") == "healthy") is True


def test_the_readme_asks_for_everything() -> None:
    asked = set(re.findall(r"(/api/iris/\w+|/metrics)", "".join(ASKING)))
    assert asked == {"/api/iris/health", "/api/iris/analyze", "/api/iris/stats", "/metrics"}


def test_every_variable_that_is_read_is_in_the_readme() -> None:
    code = "".join(path.read_text() for path in [*BACKEND.glob("src/*.py"), BACKEND / "gunicorn_config.py"])
    read = set(re.findall(r'"((?:IRIS|CACHE|OPENAI|FLASK)_[A-Z_]+)"', code)) - {"IRIS_BOARD", "IRIS_BOARD_LAYOUT"}
    told = set(re.findall(r"`((?:IRIS|CACHE|OPENAI|FLASK)_[A-Z_]+)`", (BACKEND / "README.md").read_text()))
    assert read == told


def test_the_development_server_serves(tmp_path: Path, model: ModelServer) -> None:
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("IRIS_", "CACHE_", "OPENAI_"))},
        "IRIS_BIND": f"127.0.0.1:{port}",
        "IRIS_AUTH": "off",
        "CACHE_DIR": str(tmp_path / "cache"),
        "OPENAI_API_KEY": "sk-test-only",
        "OPENAI_BASE_URL": model.url,
    }
    serving = subprocess.Popen(
        [sys.executable, "-m", "src.server"], cwd=BACKEND, env=environment, stderr=subprocess.DEVNULL
    )
    try:

        def healthy() -> bool:
            try:
                return '"healthy"' in paste(ASKING[0], port)
            except subprocess.CalledProcessError:
                return False

        until(healthy, "the development server does not answer")
        assert json.loads(paste(ASKING[1], port))["metadata"]["cache_hit"] == 0
    finally:
        serving.terminate()
        serving.wait(20)
