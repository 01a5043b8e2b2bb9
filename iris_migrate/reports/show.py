"""A result on standard output, in the format asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from iris_migrate.engine.results import CheckResult
from iris_migrate.redact import clean
from iris_migrate.reports.text import lines_of
from iris_migrate.symbols import fitting

FORMATS = ("text", "json", "junit", "nagios", "tap")


def show(result: CheckResult, form: str, out: TextIO | None = None) -> None:
    """Print one result."""
    show_all([result], form, out)


def show_all(results: Sequence[CheckResult], form: str, out: TextIO | None = None) -> None:
    """Print the results of one or several hosts as one document."""
    file = out or sys.stdout
    match form:
        case "json":
            one = results[0].document()
            show_json(one if len(results) == 1 else {"hosts": [result.document() for result in results]}, file)
        case "junit":
            from iris_migrate.reports.junit import document

            file.write(document(results))
        case "nagios":
            from iris_migrate.reports.nagios import line

            show_lines([line(results)], file)
        case "tap":
            from iris_migrate.reports.tap import lines

            show_lines(list(lines(results)), file)
        case _:
            for place, result in enumerate(results):
                show_lines([*([""] if place else []), *lines_of(result)], file)


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
