"""`rehearse`: the whole program on a practice world of its own, on this machine alone."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from typing import TYPE_CHECKING

from iris_migrate.commands.migrate import auto_arguments
from iris_migrate.exits import INTERRUPTED, OK

if TYPE_CHECKING:
    from iris_migrate.rehearsal.launch import World


def arguments(parser: argparse.ArgumentParser) -> None:
    auto_arguments(parser)
    parser.add_argument("--host", choices=("practice",), default="practice", help="which host to practise on")
    parser.add_argument("--fault", metavar="NAME", action="append", default=[], help="script a failure")
    parser.add_argument("--serve", action="store_true", help="keep the world up and print how to reach it")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.rehearsal.launch import start_world

    print("Starting the practice world …", file=sys.stderr, flush=True)
    with start_world(faults=args.fault) as world:
        if args.serve:
            return _serve(world)
        os.environ.clear()
        os.environ.update(world.environment(_environment))
        args.checklist = "lambda-to-ec2"
        from iris_migrate.commands import migrate

        return migrate.run(args)


def _serve(world: World) -> int:
    """Print what makes every other command work on this world, then wait to be told to end."""
    for name, value in sorted(world.env.items()):
        print(f"{name}={shlex.quote(value)}")
    sys.stdout.flush()
    print(
        "The practice world is up. In another terminal: set these variables, then use iris-migrate as always."
        " Ctrl-C ends it.", file=sys.stderr, flush=True,
    )  # fmt: skip
    try:
        world.process.wait()
    except KeyboardInterrupt:
        return OK
    return INTERRUPTED


_environment = dict(os.environ)


def _end(number: int, frame: object) -> None:
    raise KeyboardInterrupt


signal.signal(signal.SIGTERM, _end)
