"""The record of a migration for commands that read it alone."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from iris_migrate.exits import UsageError

if TYPE_CHECKING:
    from iris_migrate.engine.record import Record
    from iris_migrate.language.checklist import Checklist


@contextmanager
def opened_record(args: argparse.Namespace) -> Iterator[tuple[Checklist, Record]]:
    """The compiled checklist and its application's record. Raises UsageError when there is none."""
    from iris_migrate.arguments import options
    from iris_migrate.engine.history import record_of
    from iris_migrate.language.load import load

    given = options(args)
    checklist = load(given.checklist, flags=given.flags, settings_file=given.settings_file())
    app = checklist.settings.get("app")
    name = str(app.value) if app is not None else checklist.name
    record = record_of(given.state_folder(), name)
    if record is None:
        raise UsageError(
            f"There is no record of a migration of {name} in {given.state_folder()}. Begin one with `iris-migrate`,"
            " or name the folder of one: --state FOLDER."
        )
    try:
        yield checklist, record
    finally:
        record.close()
