"""From arguments to a session's options."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from iris_migrate.engine.session import Options
from iris_migrate.exits import UsageError


def options(args: argparse.Namespace, environment: Mapping[str, str] | None = None) -> Options:
    """Options from the arguments; `environment` replaces the process's own (a rehearsal's world)."""
    flags: dict[str, str] = {}
    for pair in getattr(args, "flags", None) or ():
        name, sign, value = pair.partition("=")
        if not sign:
            raise UsageError(f"--set {pair}: expected NAME=VALUE")
        flags[name] = value
    settings, state = getattr(args, "settings", None), getattr(args, "state", None)
    return Options(
        checklist=getattr(args, "checklist", None) or "lambda-to-ec2",
        settings=Path(settings) if settings else None,
        state=Path(state) if state else None,
        flags=flags,
        environment=os.environ if environment is None else environment,
    )
