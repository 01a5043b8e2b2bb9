"""The practice world's process: starts every part, prints one ready line, serves until told to end, leaves nothing."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_migrate.rehearsal.grounds import Ground

log = logging.getLogger(__name__)

FOLDER = "world"  # what belongs to the world alone, inside the state folder
NOTE = "world.json"
PREFIX = "iris-rehearsal-"


class WorldError(Exception):
    """The world cannot start; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one world. 0 at an orderly end, 1 when it could not start."""
    options = _parser().parse_args(arguments)
    began = time.monotonic()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    own = options.state is None
    if own:
        sweep_leftovers(Path(tempfile.gettempdir()))
    state = Path(tempfile.mkdtemp(prefix=PREFIX)) if own else Path(options.state).resolve()
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = claim(state)
    except (WorldError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - narration of a process of its own
        return 1
    logging.basicConfig(filename=folder / "world.log", level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    from iris_migrate.rehearsal.aws.cloud import prepare_moto
    from iris_migrate.rehearsal.old_sides import OldSidePlan

    prepare_moto(folder)  # before anything imports moto, which reads its settings once
    from iris_migrate.rehearsal.parts import Parts

    with contextlib.ExitStack() as stack:
        stack.callback(_sweep, state if own else folder)
        try:
            ground, plan = _ground(options.host, folder), OldSidePlan.read(options.old_side)
            parts = Parts(
                state, folder, options.fault, plan, ground=ground, boot_seconds=options.boot_seconds, cleanup=stack
            )
            ready = parts.open()
        except Exception as error:
            log.exception("start")
            print(f"The practice world did not start: {error}", file=sys.stderr)  # noqa: T201
            return 1
        ready["seconds"] = round(time.monotonic() - began, 3)
        print(json.dumps(ready), flush=True)  # noqa: T201 - the ready line is what this process is read for
        _watch_standard_input(stop)
        stop.wait()
    return 0


def claim(state: Path) -> Path:
    """The world's folder, empty and ours. What a killed world left there is removed; a living one is refused."""
    folder = state / FOLDER
    note = folder / NOTE
    if note.is_file():
        with contextlib.suppress(ValueError, OSError):
            pid = int(json.loads(note.read_text())["pid"])
            if _is_world(pid):
                raise WorldError(
                    f"A practice world already runs in {state} (process {pid}). Use it, or end it first: kill {pid}"
                )
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    note.write_text(json.dumps({"pid": os.getpid(), "nonce": secrets.token_hex(8)}))
    return folder


def sweep_leftovers(temporary: Path) -> list[Path]:
    """Remove our temporary folders of worlds that were killed; those removed. Their processes ended with them."""
    removed = []
    for state in temporary.glob(f"{PREFIX}*"):
        try:
            pid = int(json.loads((state / FOLDER / NOTE).read_text())["pid"])
            ours = state.stat().st_uid == os.getuid() and not state.is_symlink()
        except (OSError, ValueError, KeyError, TypeError):
            continue  # being made just now, or not one of ours
        if ours and not _is_world(pid):
            shutil.rmtree(state, ignore_errors=True)
            removed.append(state)
    return removed


def _ground(host: str, folder: Path) -> Ground:
    """Where the world's host will live. A real one's image is built here when nobody has built it before."""
    if host == "systemd":
        from iris_migrate.rehearsal.systemd.ground import SystemdGround
        from iris_migrate.rehearsal.systemd.image import ready_image

        return SystemdGround(ready_image(lambda _, __: None))
    from iris_migrate.rehearsal.grounds import PracticeGround

    return PracticeGround(folder / "host")


def _is_world(pid: int) -> bool:
    """Whether a process lives and is a practice world (process ids are used again)."""
    try:
        return b"rehearsal" in Path(f"/proc/{pid}/cmdline").read_bytes() and pid != os.getpid()
    except OSError:
        return False


def _watch_standard_input(stop: threading.Event) -> None:
    """The parent holds our standard input: when it ends, however it ended, so do we."""

    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            while os.read(0, 4096):
                pass
        stop.set()

    threading.Thread(target=watch, name="practice-stdin", daemon=True).start()


def _sweep(folder: Path) -> None:
    for _ in range(3):  # a process that ends just now may still write
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="iris_migrate.rehearsal.world", description=__doc__)
    parser.add_argument("--state", help="state folder; without one, a temporary folder that goes with the world")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[=WHAT]", help="script a failure")
    parser.add_argument("--host", choices=("practice", "systemd"), default="practice", help="what the instance runs on")
    parser.add_argument("--old-side", default="", metavar="KIND[+KIND]…", help="what the world is seeded with")
    parser.add_argument("--boot-seconds", type=float, default=1.5, help="how long an instance is pending")
    return parser


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # all is taken down; tearing down the interpreter with moto in it would take most of a second
