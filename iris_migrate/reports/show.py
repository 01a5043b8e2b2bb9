"""A result on standard output, in the format asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from iris_migrate.engine.results import CheckResult
from iris_migrate.redact import clean
from iris_migrate.reports.text import lines_of
from iris_migrate.symbols import fitting

FORMATS = ("text", "json")


def show(result: CheckResult, form: str, out: TextIO | None = None, held: Mapping[str, float] | None = None) -> None:
    """Print a result as text or JSON. `held`: when steps that do not hold were last seen to."""
    file = out or sys.stdout
    if form == "json":
        show_json(result.document(), file)
    else:
        show_lines(lines_of(result, held or {}), file)


def show_json(document: Mapping[str, Any], out: TextIO | None = None) -> None:
    """One JSON document, readable."""
    file = out or sys.stdout
    json.dump(document, file, indent=2, ensure_ascii=False)
    file.write("\n")
    file.flush()


def show_lines(lines: list[str], out: TextIO | None = None) -> None:
    """Lines for people, in what the stream can show."""
    file = out or sys.stdout
    for line in lines:
        file.write(f"{fitting(clean(line), file)}\n")
    file.flush()
