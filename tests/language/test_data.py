"""The shipped data is found beside the package in a repository and inside it in an installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from iris_migrate.language import data


def test_in_the_repository_it_lies_beside_the_package() -> None:
    assert (data.checklists_folder() / "profiles.yaml").is_file()
    assert data.plan_file().name == "plan.md"
    assert data.plan_file().is_file()
    assert data.backend_folder().is_dir()
    assert "lambda-to-ec2" in data.shipped_names()


def test_installed_it_lies_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("checklists/one", "backend"):
        (tmp_path / "iris_migrate" / "_data" / name).mkdir(parents=True)
    inside = tmp_path / "iris_migrate" / "_data"
    (inside / "checklists" / "one" / "checklist.yaml").touch()
    (inside / "plan.md").touch()
    monkeypatch.setattr(data, "_PACKAGE", tmp_path / "iris_migrate")
    assert data.checklists_folder() == inside / "checklists"
    assert data.backend_folder() == inside / "backend"
    assert data.plan_file() == inside / "plan.md"
    assert data.shipped_names() == ("one",)
    assert data.checklist_folder("one") == inside / "checklists" / "one"


def test_what_looks_like_a_path_is_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert data.checklist_folder("./lambda-to-ec2") == Path("lambda-to-ec2")
    assert data.checklist_folder("~/mine") == Path("/home/someone/mine")
