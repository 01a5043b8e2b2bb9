"""`rehearse`: the whole program on a practice world of its own, on this machine alone."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from iris_migrate.commands.migrate import run_arguments
from iris_migrate.exits import MISSING, OK, Interrupted, Unavailable, UsageError
from iris_migrate.rehearsal.known_faults import KNOWN
from iris_migrate.rehearsal.old_sides import FEATURES, OldSidePlan, PlanError

if TYPE_CHECKING:
    from iris_migrate.rehearsal.launch import World

DESCRIPTION = (
    "Starts a practice AWS and a practice host in a process of their own, on loopback addresses only, and brings the"
    " checklist lambda-to-ec2 to hold on them. When it ends, they are gone."
)
EPILOG = "faults:\n" + "\n".join(
    f"  {name + (f'[={fault.what}]' if fault.what else '')}\n      {fault.says}" for name, fault in KNOWN.items()
)
EPILOG += "\n\nkinds of the old side, joined by +:\n" + "\n".join(
    f"  {name}\n      {says}" for name, says in FEATURES.items()
)


def arguments(parser: argparse.ArgumentParser) -> None:
    run_arguments(parser)
    parser.add_argument(
        "--host", choices=("practice", "systemd"), default="practice",
        help="a host of stand-ins in a folder, or a real Debian that is booted here (Linux, root)",
    )  # fmt: skip
    parser.add_argument(
        "--fault", metavar="NAME[=WHAT]", action="append", default=[], help="script a failure; may be repeated"
    )
    parser.add_argument(
        "--old-side",
        metavar="KIND[+KIND]…",
        default="",
        help="what stands on Lambda at the start; kinds are listed below",
    )
    parser.add_argument(
        "--serve", action="store_true", help="keep the world up and print the variables by which commands find it"
    )


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands import migrate
    from iris_migrate.rehearsal.launch import start_world

    _check(args.fault, args.old_side)
    args.checklist = "lambda-to-ec2"
    own = getattr(args, "state", None)
    state = Path(own).absolute() if own else None
    with _ended_by_signals():
        more = _real_host() if args.host == "systemd" else []
        print("Starting the practice world …", file=sys.stderr, flush=True)
        limit = 180.0 if more else 60.0  # a real host's disk is copied first
        with start_world(faults=args.fault, state=state, old_side=args.old_side, more=more, timeout=limit) as world:
            if args.serve:
                return _serve(world)
            os.environ.update(world.env)
            for name in set(os.environ) - set(world.environment()):
                del os.environ[name]
            return migrate.run(args)


def _check(faults: list[str], old_side: str) -> None:
    """What can be refused before anything is started."""
    for fault in faults:
        if fault.partition("=")[0] not in KNOWN:
            raise UsageError(f"--fault {fault}: no fault is called that. There are: {', '.join(KNOWN)}.")
    try:
        OldSidePlan.read(old_side)
    except PlanError as error:
        raise UsageError(f"--old-side {old_side}: {error}") from error
    if not sys.platform.startswith("linux"):
        raise Unavailable("A rehearsal needs Linux: the practice host runs real programs of it. Try a virtual machine.")
    if importlib.util.find_spec("moto") is None:
        raise Unavailable(
            "The practice AWS is not installed. Install iris-migrate with its rehearsal: `make setup` in the"
            " repository, or `pipx install '.[rehearsal]'`, or `uv run --extra rehearsal iris-migrate rehearse`."
        )


def _real_host() -> list[str]:
    """Build the image of a real host when it is not there, telling how far it is; the world's arguments."""
    from iris_migrate.rehearsal.systemd.image import ready_image
    from iris_migrate.rehearsal.systemd.needs import NotHere
    from iris_migrate.rehearsal.systemd.progress import Progress

    progress = Progress(sys.stderr, "Building the base image (once)")
    try:
        ready_image(progress.tell)
    except NotHere as error:
        raise Unavailable(str(error)) from error
    finally:
        progress.end()
    return ["--host", "systemd"]


def _serve(world: World) -> int:
    """Print what makes every other command work on this world, then wait to be told to end."""
    for name, value in sorted(world.env.items()):
        print(f"{name}={shlex.quote(value)}")
    sys.stdout.flush()
    print(
        "The practice world is up. In another terminal: set these variables (`set -a`, paste them, `set +a`), then use"
        " iris-migrate as always. Ctrl-C ends it.", file=sys.stderr, flush=True,
    )  # fmt: skip
    try:
        world.process.wait()
    except Interrupted:
        return OK
    print("The practice world ended by itself.", file=sys.stderr)
    return MISSING


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """While the world starts and serves, a signal ends it in order; a run inside has signals of its own."""

    def end(number: int, frame: object) -> None:
        raise Interrupted("Interrupted. The practice world is gone.")

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
