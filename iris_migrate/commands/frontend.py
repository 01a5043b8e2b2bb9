"""Which frontend fits the terminal, and the way into it."""

from __future__ import annotations

import argparse
import gc
import importlib.util
import os
import sys


def wants_screen(args: argparse.Namespace) -> bool:
    """Whether the screens are used: terminals on both sides that can draw (others make Textual hang), and built."""
    if getattr(args, "plain", False) or getattr(args, "format", "text") != "text":
        return False
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "") in ("", "dumb"):
        return False
    return importlib.util.find_spec("iris_migrate.tui.app") is not None


def interactive(args: argparse.Namespace) -> int:
    """Guide a person through a checklist at the frontend that fits."""
    if wants_screen(args):
        gc.disable()  # until the first frame is drawn: nothing of what is made for it is garbage
        screens = importlib.import_module("iris_migrate.tui.app")
        code = int(screens.run(args))
        return _rehearse(args) if code == screens.REHEARSE else code
    from iris_migrate.commands.guided import guided
    from iris_migrate.commands.interruption import run_interruptible

    return run_interruptible(guided(args))


def _rehearse(args: argparse.Namespace) -> int:
    """The operator chose to rehearse first: the same program again, on a practice world."""
    from iris_migrate.commands import rehearse

    vars(args).update(fault=[], serve=False, auto=False, settings=None, state=None)
    return rehearse.run(args)
