"""One setting as one line of a list: sign, name, value, origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from iris_migrate.redact import clean

if TYPE_CHECKING:
    from iris_migrate.engine.draft import Row

NAME = 22  # cells of the name
ORIGIN = 8
_WORDS = {"discovered": "found", "default": "default", "file": "file", "flag": "flag", "typed": "typed"}


def setting_row(row: Row, width: int) -> Content:
    """The line in `width` cells; a secret that is typed in by mistake is not shown."""
    value = clean(row.text)
    if row.declared.secret and not value.startswith(("env:", "file:", "prompt")):
        value = "••••••" if value else ""
    value = value or "(empty)"
    room = max(4, width - NAME - ORIGIN - 4)
    if cell_len(value) > room:
        value = set_cell_size(value, room - 1) + "…"
    sign = "✗" if row.wrong else " "
    return Content.assemble(
        (f"{sign} ", "$text-error"), (set_cell_size(row.name, NAME), "bold"), set_cell_size(value, room), "  ",
        (f"{_WORDS[row.origin]:>{ORIGIN}}", "dim"),
    )  # fmt: skip
