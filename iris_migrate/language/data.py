"""Where the shipped data is: inside the package when installed from a wheel, else at the root of the repository."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def _shipped(inside: str, beside: str) -> Path:
    installed = _PACKAGE / "_data" / inside
    return installed if installed.exists() else _PACKAGE.parent / beside


def checklists_folder() -> Path:
    """The folder of the shipped checklists."""
    return _shipped("checklists", "checklists")


def plan_file() -> Path:
    """The deployment plan whose lines the checklists cover."""
    return _shipped("plan.md", "docs/plan.md")


def backend_folder() -> Path:
    """The service that a rehearsal deploys."""
    return _shipped("backend", "backend")


def checklist_folder(name_or_folder: str) -> Path:
    """The folder of a checklist: a path when it looks like one or exists, else a shipped name."""
    shipped = checklists_folder() / name_or_folder
    if "/" not in name_or_folder and "\\" not in name_or_folder and (shipped / "checklist.yaml").is_file():
        return shipped
    return Path(name_or_folder).expanduser()


def shipped_names() -> tuple[str, ...]:
    """The names of the shipped checklists."""
    return tuple(sorted(path.parent.name for path in checklists_folder().glob("*/checklist.yaml")))
