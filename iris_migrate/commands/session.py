"""From arguments to an open session, and what every command that opens one says and takes."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from iris_migrate.arguments import options
from iris_migrate.engine.session import Options, Session
from iris_migrate.redact import clean
from iris_migrate.symbols import fitting

if TYPE_CHECKING:
    from iris_migrate.engine.consent import Operator
    from iris_migrate.language.troubleshooting import Symptom


@contextlib.asynccontextmanager
async def opened(args: argparse.Namespace, operator: Operator) -> AsyncIterator[Session]:
    """A session, closed at the end however it ends."""
    session = await Session(options(args), operator).open()
    try:
        yield session
    finally:
        await session.close()


def looker() -> Operator:
    """The operator of commands that only look: there is nothing to ask, and an unknown host key is refused."""
    from iris_migrate.auto import AutoOperator

    return AutoOperator(say=say)


def symptoms_of(given: Options) -> partial[Mapping[str, Symptom]]:
    """The symptoms of the checklist, read when a failure is to be explained."""
    return partial(_symptoms, given.checklist, tuple(given.flags.items()), given.settings_file())


@cache
def _symptoms(checklist: str, flags: tuple[tuple[str, str], ...], settings: Path | None) -> Mapping[str, Symptom]:
    from iris_migrate.language.errors import LanguageError
    from iris_migrate.language.troubleshooting import symptoms

    try:
        return symptoms(checklist, flags=dict(flags), settings_file=settings)
    except LanguageError:
        return {}  # an explanation less; `checklist lint` says what is wrong


def unfinished(session: Session) -> list[str]:
    """What an interrupted run leaves behind that goes on without us."""
    from iris_migrate.engine.executor import is_job

    lines = []
    for intent in session.record.open_intents():
        goes_on = "it goes on on the host, and is watched again" if is_job(intent.change) else "looked at again"
        lines.append(f"{intent.step}: {intent.change.says}: {goes_on} when you start again.")
    return lines


def say(line: str) -> None:
    """One line for people, on standard error. A reader that went away is no error."""
    with contextlib.suppress(OSError, ValueError):
        print(fitting(clean(line), sys.stderr), file=sys.stderr, flush=True)
