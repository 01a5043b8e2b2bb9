"""The sample family of resources under its name, and caches that are the test's own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iris_migrate.language.checklist import Checklist
from iris_migrate.language.load import load
from tests.language import sample

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(autouse=True)
def sample_family(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "iris_migrate.resources.sample", sample)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("IRIS_MIGRATE_SETTINGS", raising=False)


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Checklist]:
    """Loads the small checklist."""

    def loaded(**given: Any) -> Checklist:
        return load(str(FIXTURES / "small"), cache=tmp_path / "compiled", **given)

    return loaded
