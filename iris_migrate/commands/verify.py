"""`verify`: the inspection. Changes nothing on either side."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iris_migrate.engine.results import CheckResult
    from iris_migrate.engine.session import Session

DESCRIPTION = """\
Looks at every step of a checklist and says what holds, what held before and does not hold now, and what could not be
read. Changes nothing on either side. With --format nagios it leaves with a plugin's own codes: 0 OK, 1 WARNING,
2 CRITICAL, 3 UNKNOWN."""
FORMATS = ("text", "json", "junit", "nagios", "tap")
LIMIT = 120.0  # seconds for the whole


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")
    parser.add_argument("--only", metavar="PHASE|STEP", action="append", help="only these; may be repeated")
    parser.add_argument(
        "--host", metavar="ADDRESS[:PORT]", action="append", default=[],
        help="look at this host instead of the checklist's own; several are looked at side by side",
    )  # fmt: skip
    parser.add_argument(
        "--host-key", metavar="SHA256:…", action="append", default=[],
        help="a host key that you vouch for, where AWS's console output cannot; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--since", metavar="TIME", help="compare with then: 2d, 2026-11-19T12:00, last (look), run (the last run's end)"
    )
    parser.add_argument("--watch", metavar="SECONDS", type=_seconds, help="go on looking; tell what changes")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, default=LIMIT, help=f"for all of it (default {LIMIT:g})"
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default text")


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1e6:
        raise argparse.ArgumentTypeError(f"{text}: expected a number of seconds")
    return found


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.interruption import run_interruptible
    from iris_migrate.exits import Interrupted, exit_code_of

    if args.format != "nagios":
        return run_interruptible(_verify(args))
    from iris_migrate.reports.nagios import UNKNOWN, failed

    try:
        return run_interruptible(_verify(args))
    except Interrupted:
        raise
    except Exception as error:  # a plugin always answers with its one line
        print(failed(exit_code_of(error)[1]))
        return UNKNOWN


async def _verify(args: argparse.Namespace) -> int:
    import asyncio

    from iris_migrate.commands.reaching import begun
    from iris_migrate.exits import Unavailable, UsageError

    if args.watch and args.format not in ("text", "json"):
        raise UsageError(f"--watch tells changes as text or as JSON lines; {args.format} is one document.")
    loop = asyncio.get_running_loop()
    ends = loop.time() + args.timeout
    async with contextlib.AsyncExitStack() as stack:
        ahead = begun(args)
        for connection in ahead.values():
            stack.callback(connection.close)
        # From here on the hosts answer while this program still reads itself.
        from iris_migrate.commands.hosts import looked_at, opened_hosts

        try:
            async with asyncio.timeout_at(ends):
                hosts = await opened_hosts(args, stack, ahead)
        except TimeoutError:
            raise Unavailable(f"Nothing could be opened within {args.timeout:g} s (--timeout).") from None
        results = await looked_at(hosts, within=max(0.5, ends - loop.time()))
        if args.watch:
            from iris_migrate.commands.watch import watch

            return await watch(hosts, results, args.watch, args.timeout, args.format)
    return _told(results, args.format)


def _told(results: Sequence[CheckResult], form: str) -> int:
    from iris_migrate.exits import worst
    from iris_migrate.reports.show import show_all

    show_all(results, form)
    sys.stdout.flush()
    if form == "nagios":
        from iris_migrate.reports.nagios import code

        return code(results)
    return worst(result.exit_code for result in results)


def chosen(session: Session, names: Sequence[str] | None) -> list[str] | None:
    """The ids of these steps and of the steps of these phases; None for all. Raises UsageError."""
    from iris_migrate.exits import UsageError

    if not names:
        return None
    known = {name for step in session.checklist.steps for name in (step.id, step.phase)}
    for name in names:
        if name not in known:
            raise UsageError(f"{name}: no step or phase of {session.checklist.name} has that name.")
    return [step.id for step in session.checklist.steps if {step.id, step.phase} & set(names)]
