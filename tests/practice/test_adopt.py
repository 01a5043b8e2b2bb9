"""`adopt` on a host that was set up by hand from the plan's own code blocks, with another user, path and port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.practice.run import Done
from tests.practice_host import PracticeAccess, make

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("by-hand")]
PLAN = (Path(__file__).parents[2] / "docs" / "plan.md").read_text().splitlines()
KEY = "sk-typed-by-hand-0123456789"
SERVER = """
from flask import Flask

app = Flask(__name__)


@app.get("/api/iris/health")
def health():
    return {"status": "healthy", "agent": "ready"}
"""


class ByHand:
    """A person who follows the plan with names of their own."""

    def __init__(self, access: PracticeAccess) -> None:
        self.access, root = access, str(access.root)
        self.port, self.http = access.host.ports.app, access.host.ports.http
        self._instead = {
            "https://github.com/your-username/iris.git": f"{root}/srv/origin", "/opt/iris": f"{root}/srv/analysis",
            "/var/iris/cache": f"{root}/data/kept", "/var/log/iris": f"{root}/var/log/analysis",
            "/etc/systemd": f"{root}/etc/systemd", "/etc/nginx": f"{root}/etc/nginx", "ec2-user": "deploy",
            "iris-backend": "analysis", "sites-available/iris": "sites-available/analysis", "8080": str(self.port),
            "listen 80;": f"listen {self.http};", "python3.11": "python3", "sk-...": KEY,
            "sudo apt ": "sudo apt-get ",
        }  # fmt: skip

    def block(self, first: int, last: int) -> str:
        """These lines of the plan, in their own words."""
        text = "\n".join(PLAN[first - 1 : last])
        pattern = re.compile("|".join(re.escape(name) for name in self._instead))
        return pattern.sub(lambda found: self._instead[found[0]], text) + "\n"

    def types(self, first: int, last: int) -> None:
        """Type these lines into a shell."""
        done = self.access.run("bash -se", self.block(first, last).encode())
        assert done.status == 0, f"lines {first} to {last}: {done.out[-1000:]}{done.err[-2000:]}"

    def writes(self, path: str, first: int, last: int, without: str = "") -> None:
        """Put these lines into a file; `without` is what the editor takes out again."""
        text = self.block(first, last)
        assert without in text
        self.access.root.joinpath(path).write_text(text.replace(without, "") if without else text)

    def follows_the_plan(self) -> None:
        self.access.run("sudo useradd --system --no-create-home deploy")
        self.types(50, 50)
        self.types(55, 55)
        self.types(64, 84)
        self.writes("srv/analysis/backend/.env", 95, 98)
        self.types(110, 112)
        self.writes("srv/analysis/backend/gunicorn_config.py", 149, 158)
        self.types(162, 164)
        # systemd takes the comment for part of the path and does not start the service: whoever tried found out.
        self.writes("etc/systemd/system/analysis.service", 175, 195, without="  # Load env variables")
        self.types(200, 207)
        self.writes("etc/nginx/sites-available/analysis", 230, 260)
        self.types(265, 273)


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByHand]:
    access = make(tmp_path_factory.mktemp("by-hand") / "host", nginx="stand-in")
    try:
        origin = access.root / "srv" / "origin"
        (origin / "backend" / "src").mkdir(parents=True)
        (origin / "backend" / "src" / "__init__.py").touch()
        (origin / "backend" / "src" / "server.py").write_text(SERVER)
        (origin / "backend" / "requirements.txt").write_text("flask\n")
        identity = ("-c", "user.name=ann", "-c", "user.email=ann@example.com")
        for words in (("init", "-q", "-b", "main"), ("add", "."), (*identity, "commit", "-qm", "Begin")):
            subprocess.run(["git", *words], cwd=origin, check=True)
        person = ByHand(access)
        person.follows_the_plan()
        yield person
    finally:
        access.host.stop()


@pytest.fixture
def program(by_hand: ByHand, tmp_path: Path):
    access = by_hand.access
    known = {"host.root": str(access.root), "ssh.key": str(access.key), "os": "practice", "domain": ""}
    settings = tmp_path / "settings.yaml"
    settings.write_text(yaml.safe_dump(known))
    host = ("--host", f"{access.address}:{access.port}")
    keys = [f"--host-key={key.split()[0]}" for key in access.host.fingerprints]

    def run(*words: str, given: Path = settings) -> Done:
        arguments = (*words, *host, *keys, "--settings", str(given), "--state", str(tmp_path / "state"))
        done = subprocess.run(
            [sys.executable, "-m", "iris_migrate.cli", *arguments], env=os.environ, capture_output=True, text=True,
            timeout=300, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    return run


def test_it_finds_what_is_there_fills_the_settings_and_says_what_differs(by_hand: ByHand, program, tmp_path) -> None:
    written = tmp_path / "adopted.yaml"
    done = program("adopt", "--write", str(written), "--format", "json")
    assert done.status == 1, done.why()
    root, told = str(by_hand.access.root), done.document["settings"]
    backend = f"{root}/srv/analysis/backend"
    by_name = {
        "os": "practice", "service.name": "analysis", "service.user": "deploy", "app_port": by_hand.port,
        "http.port": by_hand.http, "repository.url": f"{root}/srv/origin", "repository.commit": "main",
        "repository.backend": "backend", "paths.app": f"{root}/srv/analysis", "paths.backend": backend,
        "paths.venv": f"{backend}/venv", "paths.env": f"{backend}/.env", "paths.cache": f"{root}/data/kept",
        "paths.logs": f"{root}/var/log/analysis", "logs": "files", "service.app": "src.server:app",
        "service.workers": 2, "cache.ttl_days": 30, "timeouts.gunicorn": 120,
    }  # fmt: skip
    assert {name: item["value"] for name, item in told.items()} == by_name
    assert told["app_port"]["usual"] == 8080 and "listens there" in told["app_port"]["where"]
    assert yaml.safe_load(written.read_text()).items() >= by_name.items()
    assert KEY not in done.out + done.err + written.read_text()

    again = program("verify", "--format", "json", given=written)
    seen = {step["id"]: step for step in again.document["steps"]}
    holds = {name for name, step in seen.items() if step["status"] == "holds"}
    assert {"checkout", "virtualenv", "service-enabled", "service-listens", "service-healthy", "cutover-cache"} <= holds
    assert ("0700", "0755") in differences(seen["cache-directory"])
    assert any("PATH without the system's folders" in was for _, was in differences(seen["unit-file"]))
    assert ("/usr/sbin/nologin", "/bin/sh") in differences(seen["service-user"])
    assert seen["variables"]["status"] == "unknown" and "openai_api_key" in seen["variables"]["detail"]
    assert seen["instance"]["status"] == seen["domain-resolves"]["status"] == "left-out" and again.status == 1


def test_the_settings_serve_monitoring_too(by_hand: ByHand, program, tmp_path: Path) -> None:
    written = tmp_path / "adopted.yaml"
    program("adopt", "--write", str(written))
    found = program("verify", "monitoring", "--format", "json", given=written).statuses
    assert {found["nginx"], found["cache"]} == {"holds"}, found
    assert found["service"] in {"holds", "warns", "converging"} and found["backup"] == "ready", found


def differences(step: dict[str, Any]) -> set[tuple[str, str]]:
    return {(item["expected"], item["seen"]) for item in step["evidence"] if item["verdict"] == "differs"}


def test_it_says_it_in_lines_and_writes_nothing_over(by_hand: ByHand, program, tmp_path: Path) -> None:
    there = tmp_path / "there.yaml"
    there.write_text("app: mine\n")
    refused = program("adopt", "--write", str(there))
    assert refused.status == 2 and there.read_text() == "app: mine\n" and "exists" in refused.err
    done = program("adopt", "--set", "service.user=iris")
    assert "service.user" in done.out and "deploy  [your settings say iris]" in done.out, done.why()


def test_several_units_are_named_and_one_has_to_be_chosen(by_hand: ByHand, program) -> None:
    units = by_hand.access.root / "etc/systemd/system"
    second = units / "second.service"
    text = (units / "analysis.service").read_text()
    # As the plan has it: systemd reads the comment as part of the path and refuses to start such a unit.
    second.write_text(text.replace("/.env", "/.env  # Load env variables").replace("User=deploy", "User=other"))
    try:
        several = program("adopt")
        assert several.status == 3 and "analysis, second" in several.err and "--unit NAME" in several.err
        told = program("adopt", "--unit", "second", "--format", "json").document["settings"]
    finally:
        second.unlink()
    assert told["service.user"]["value"] == "other" and told["paths.env"]["value"].endswith("/backend/.env")
    assert told["app_port"]["where"].endswith("gunicorn_config.py"), "it does not run: its configuration says"
    assert told["paths.cache"]["where"].endswith("/.env")
