"""The git origin is cloned over HTTP as from any host; the extension's checkout compiles without npm."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from iris_migrate.rehearsal.extension import BUNDLE, compile_command, make_checkout
from iris_migrate.rehearsal.origin import NAME, Origin, OriginError, http_backend, make_origin, shipped_backend
from iris_migrate.rehearsal.serving import Serving

OLD = "https://abc123.execute-api.us-east-1.amazonaws.com"


def git(*arguments: str | Path, ok: bool = True) -> str:
    environment = dict(os.environ, GIT_TERMINAL_PROMPT="0", GIT_CONFIG_GLOBAL=os.devnull)
    done = subprocess.run(
        ["git", *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=30, check=False
    )
    assert (done.returncode == 0) is ok, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    return make_origin(tmp_path_factory.mktemp("origin"), shipped_backend())


@pytest.fixture(scope="module")
def url(origin: Origin) -> Iterator[str]:
    serving = Serving(http_backend(origin.folder.parent)).start("test-origin")
    yield f"{serving.url}/{NAME}"
    serving.stop()


def test_a_clone_has_the_backend_at_the_named_commit(origin: Origin, url: str, tmp_path: Path) -> None:
    git("clone", "--quiet", url, tmp_path / "iris")
    assert git("-C", tmp_path / "iris", "rev-parse", "HEAD") == origin.good
    assert (tmp_path / "iris/backend/requirements.txt").is_file()
    assert (tmp_path / "iris/backend/src/server.py").is_file()
    git("-C", tmp_path / "iris", "checkout", "--quiet", origin.newer)
    assert git("-C", tmp_path / "iris", "rev-parse", "origin/bad") == origin.bad


def test_a_single_commit_can_be_fetched_by_its_hash(origin: Origin, url: str, tmp_path: Path) -> None:
    git("init", "--quiet", tmp_path / "iris")
    git("-C", tmp_path / "iris", "fetch", "--quiet", "--depth", "1", url, origin.newer)
    assert git("-C", tmp_path / "iris", "rev-parse", "FETCH_HEAD") == origin.newer


def test_nothing_can_be_pushed(url: str, tmp_path: Path) -> None:
    git("clone", "--quiet", url, tmp_path / "iris")
    git("-C", tmp_path / "iris", "push", "--quiet", "origin", "HEAD:refs/heads/mine", ok=False)
    assert "mine" not in git("ls-remote", url)


def test_the_same_backend_gives_the_same_commits(origin: Origin, tmp_path: Path) -> None:
    again = make_origin(tmp_path, shipped_backend())
    assert (again.good, again.newer, again.bad) == (origin.good, origin.newer, origin.bad)


def test_the_bad_commit_does_not_start(origin: Origin, url: str, tmp_path: Path) -> None:
    git("clone", "--quiet", url, tmp_path / "iris")
    git("-C", tmp_path / "iris", "checkout", "--quiet", origin.bad)
    environment = dict(os.environ, CACHE_DIR=str(tmp_path / "cache"), IRIS_AUTH="off")
    done = subprocess.run(
        [sys.executable, "-c", "import src.server"],
        cwd=tmp_path / "iris/backend",
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "broken on purpose" in done.stderr


def test_a_missing_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "backend").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OriginError, match="git is not installed"):
        make_origin(tmp_path / "made", tmp_path / "backend")


def test_the_extension_compiles_for_another_endpoint(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path / "iris-vscode", OLD)
    assert OLD in (checkout / BUNDLE).read_text()
    naming = [path for path in checkout.rglob("*.ts") if OLD in path.read_text()]
    assert [path.name for path in naming] == ["endpoints.ts"]
    assert not (checkout / "packages/iris-vscode/src/api/irisClient.ts").exists(), "that is the plan's wrong path"
    assert "x-api-key" in (checkout / "packages/iris-core/src/irisClient.ts").read_text()
    naming[0].write_text(naming[0].read_text().replace(OLD, "https://iris.example.com"))
    subprocess.run(compile_command(), cwd=checkout, check=True, capture_output=True)
    bundle = (checkout / BUNDLE).read_text()
    assert "https://iris.example.com" in bundle
    assert OLD not in bundle


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("'@OLD@';", "'@OLD@;", "a string does not end"),
        ("export const TIMEOUT_MS = 15000;", "export const TIMEOUT_MS = (15000;", "never closed"),
    ],
)
def test_a_broken_source_does_not_compile(tmp_path: Path, was: str, becomes: str, said: str) -> None:
    checkout = make_checkout(tmp_path / "iris-vscode", OLD)
    source = checkout / "packages/iris-vscode/src/config/endpoints.ts"
    source.write_text(source.read_text().replace(was.replace("@OLD@", OLD), becomes.replace("@OLD@", OLD)))
    before = (checkout / BUNDLE).read_text()
    done = subprocess.run(compile_command(), cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "endpoints.ts:" in done.stderr
    assert said in done.stderr
    assert (checkout / BUNDLE).read_text() == before
