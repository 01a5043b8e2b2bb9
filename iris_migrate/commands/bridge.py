"""`bridge`: the old address leads to the new side, or to the function as before; without --execute a plan."""

from __future__ import annotations

import argparse

DESCRIPTION = """\
Points the integrations of the old HTTP API at the new side (on), so that clients with the old URL compiled in move at
once, or back at the function (off). Routes, the authorizer and the URL stay; what was there before is kept encrypted on
this machine. API Gateway waits 30 seconds for an answer at most, and the authorizer's function goes on checking keys.
Without --execute the plan is shown and nothing is changed."""
CHECKLIST = "bridge"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("way", choices=("on", "off"), help="on: to the new side; off: to the function, as before")
    parser.add_argument("--execute", action="store_true", help="do it")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the result (default text)")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.interruption import run_interruptible

    args.checklist, args.only = CHECKLIST, None
    return run_interruptible(_bridge(args))


async def _bridge(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from iris_migrate.auto import AutoOperator
    from iris_migrate.commands.decommission import tell_key
    from iris_migrate.commands.restore import plan_or_do
    from iris_migrate.commands.session import options, say
    from iris_migrate.engine.session import Session

    operator, chosen = AutoOperator(say=say), options(args)
    session = Session(replace(chosen, flags={**chosen.flags, "bridge.state": args.way}), operator)
    session.key_listeners.append(tell_key)
    await session.open()
    try:
        return await plan_or_do(session, operator, args)
    finally:
        await session.close()
