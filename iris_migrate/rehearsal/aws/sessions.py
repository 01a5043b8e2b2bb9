"""One boto3 session for all of moto, which makes a new one (0.1 s each) wherever it asks for the names of regions."""

from __future__ import annotations

import functools
from typing import Any


def share_sessions() -> None:
    """Let `boto3.Session()` give the same session each time. Before moto's import; for a process of its own only."""
    import boto3

    made = boto3.Session
    shared = functools.cache(made)

    def session(*args: Any, **kwargs: Any) -> Any:
        return made(*args, **kwargs) if args or kwargs else shared()

    boto3.Session = session
