"""From the command line's arguments to the engine's options, the same for every frontend."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from iris_migrate.engine.options import Options
from iris_migrate.exits import UsageError


def options(args: argparse.Namespace) -> Options:
    """Options from the arguments and this process's environment."""
    flags: dict[str, str] = {}
    for pair in (*getattr(args, "flags", ()), *getattr(args, "flags_behind", ())):
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
        environment=os.environ,
    )
