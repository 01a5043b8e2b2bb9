"""The command line: arguments, the choice of frontend, exit codes. Everything else is imported when it is needed."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from iris_migrate.exits import INTERRUPTED, MISSING, USAGE, exit_code_of

COMMANDS = {
    "migrate": "bring every step of a checklist to hold",
    "rehearse": "the whole program on a practice AWS and host, on this machine alone",
    "plan": "show what would be done, with diffs; changes nothing",
    "verify": "look at every step and say what holds; changes nothing",
    "status": "where the migration stands, from its record alone",
    "logs": "the service's journal, live",
    "permissions": "the IAM policy that a checklist needs",
    "report": "what held, when, shown by which evidence",
    "checklist": "lint, show, schema, runbook or coverage of a checklist",
}


def parser() -> argparse.ArgumentParser:
    """The arguments of every command; each command's own are declared in its file."""
    root = argparse.ArgumentParser(prog="iris-migrate", description=__doc_for_people__)
    _common(root)
    root.add_argument("--plain", action="store_true", help="the numbered frontend, also for screen readers")
    commands = root.add_subparsers(dest="command", metavar="COMMAND")
    for name, says in COMMANDS.items():
        sub = commands.add_parser(name, help=says, description=says)
        _common(sub)
        importlib.import_module(f"iris_migrate.commands.{name}").arguments(sub)
    return root


__doc_for_people__ = (
    "Takes a Flask service off AWS Lambda, puts it on an EC2 host that it keeps proving, and takes the old side down"
    " in a way that can be taken back. Without a command: go on where you were, or start."
)


def _common(parser: argparse.ArgumentParser) -> None:
    quiet = argparse.SUPPRESS  # a sub-command must not reset what stood before it
    parser.add_argument("--settings", metavar="FILE", default=quiet, help="settings file (default ./iris-migrate.yaml)")
    parser.add_argument("--state", metavar="FOLDER", default=quiet, help="where records, pins and locks are kept")
    parser.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=quiet, dest="flags", help="a setting; over the file"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and answer its exit code. No exception leaves here as a traceback."""
    args = parser().parse_args(argv)
    command = args.command or "migrate"
    try:
        return int(importlib.import_module(f"iris_migrate.commands.{command}").run(args))
    except KeyboardInterrupt:
        print("Interrupted. The record says how far it came; start again to go on.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return MISSING
    except Exception as error:
        if os.environ.get("IRIS_MIGRATE_DEBUG"):
            raise
        code, message = exit_code_of(error)
        print(f"iris-migrate: {message}", file=sys.stderr)
        return code


if __name__ == "__main__":
    sys.exit(main())

__all__ = ["COMMANDS", "MISSING", "USAGE", "main", "parser"]
