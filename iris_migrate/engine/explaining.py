"""What every frontend explains alike: where causes come from, and what an interrupted run leaves behind."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_migrate.engine.options import Options
    from iris_migrate.engine.session import Session
    from iris_migrate.language.troubleshooting import Book


def book_of(given: Options) -> partial[Book]:
    """What is known about failures of the checklist, read when one is to be explained."""
    return partial(_book, given.checklist, tuple(given.flags.items()), given.settings_file())


@cache
def _book(checklist: str, flags: tuple[tuple[str, str], ...], settings: Path | None) -> Book:
    from iris_migrate.language.errors import LanguageError
    from iris_migrate.language.troubleshooting import Book, book

    try:
        return book(checklist, flags=dict(flags), settings_file=settings)
    except LanguageError:
        return Book()  # an explanation less; `checklist lint` says what is wrong


def unfinished(session: Session) -> list[str]:
    """What an interrupted run leaves behind that goes on without us."""
    from iris_migrate.engine.executor import is_job

    lines = []
    for intent in session.record.open_intents():
        goes_on = "it goes on on the host, and is watched again" if is_job(intent.change) else "looked at again"
        lines.append(f"{intent.step}: {intent.change.says}: {goes_on} when you start again.")
    return lines
