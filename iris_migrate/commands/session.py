"""From arguments to an open session, and what every command that opens one says and takes."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from iris_migrate.arguments import options
from iris_migrate.engine.explaining import unfinished
from iris_migrate.engine.session import Session
from iris_migrate.redact import clean
from iris_migrate.symbols import fitting

if TYPE_CHECKING:
    from iris_migrate.engine.consent import Operator


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


def say(line: str) -> None:
    """One line for people, on standard error. A reader that went away is no error."""
    with contextlib.suppress(OSError, ValueError):
        print(fitting(clean(line), sys.stderr), file=sys.stderr, flush=True)


__all__ = ["looker", "opened", "options", "say", "unfinished"]
