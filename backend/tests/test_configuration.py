"""Settings come from the environment, and what cannot be used is refused by name, without its value."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from service import BACKEND
from src.configuration import ConfigurationError, Settings


def test_the_defaults_are_those_of_the_readme() -> None:
    usual = Settings.from_environment({})
    assert usual.cache.directory == BACKEND / ".iris" / "cache"
    assert (usual.cache.ttl_days, usual.model.timeout, usual.threads) == (30, 100, 64)
    assert usual.access.closed
    readme = (BACKEND / "README.md").read_text()
    for value in (usual.model.name, usual.access.key_limit, usual.access.address_limit):
        assert f"`{value}`" in readme


def test_every_variable_is_read() -> None:
    read = Settings.from_environment(
        {
            "OPENAI_API_KEY": " sk-x ", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "IRIS_API_KEY": "a, b,,",
            "IRIS_AUTH": "off", "CACHE_DIR": "/var/iris/cache", "CACHE_TTL_DAYS": "7", "CACHE_MAX_MB": "1",
            "CACHE_URL": "redis://127.0.0.1", "IRIS_MODEL_TIMEOUT": "9.5", "IRIS_COMMIT": "abc", "FLASK_ENV": "x",
        }
    )  # fmt: skip
    assert (read.model.api_key, read.model.base_url, read.model.timeout) == ("sk-x", "http://127.0.0.1:9/v1", 9.5)
    assert (read.access.keys, read.access.open_to_all, read.access.closed) == (("a", "b"), True, False)
    assert (read.cache.directory, read.cache.ttl, read.cache.max_bytes) == (Path("/var/iris/cache"), 604_800, 1048576)
    assert (read.cache.url, read.commit, read.flask_env_set) == ("redis://127.0.0.1", "abc", True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CACHE_TTL_DAYS", "thirty"), ("CACHE_TTL_DAYS", "0"), ("CACHE_TTL_DAYS", "-1"), ("CACHE_TTL_DAYS", "nan"),
        ("CACHE_TTL_DAYS", "inf"), ("IRIS_THREADS", "3"), ("IRIS_THREADS", "x"), ("IRIS_AUTH", "maybe"),
        ("CACHE_URL", "http://hunter2@127.0.0.1"), ("IRIS_MODEL_TIMEOUT", "hunter2"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as refused:
        Settings.from_environment({name: value})
    assert "hunter2" not in str(refused.value)


def test_a_limit_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    from src.application import create_app

    environment = {"IRIS_KEY_LIMIT": "often", "CACHE_DIR": str(tmp_path)}
    with pytest.raises(ConfigurationError, match="IRIS_KEY_LIMIT"):
        create_app(Settings.from_environment(environment))


def test_no_secret_stands_in_the_printed_settings() -> None:
    secrets = {"OPENAI_API_KEY": "hunter2", "IRIS_API_KEY": "hunter2", "CACHE_URL": "redis://:hunter2@127.0.0.1"}
    assert "hunter2" not in repr(Settings.from_environment(secrets))


def test_the_commit_is_read_from_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = tmp_path / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs" / "heads" / "main").write_text("0123abc\n")
    monkeypatch.setattr("src.configuration.BACKEND", tmp_path / "backend")
    assert Settings.from_environment({}).commit == "0123abc"
    (git / "HEAD").write_text("4567def\n")
    assert Settings.from_environment({}).commit == "4567def"


def test_nothing_of_the_migration_tool_is_needed() -> None:
    program = "import sys, src.application; sys.exit('iris_migrate' in sys.modules)"
    environment = {"PATH": os.environ["PATH"]}
    ended = subprocess.run([sys.executable, "-c", program], cwd=BACKEND, env=environment, check=False)
    assert ended.returncode == 0
