"""The command line: arguments, the way to a command, exit codes. Everything else is imported when it is needed."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from textwrap import fill

from iris_migrate.exits import INTERRUPTED, MEANINGS, USAGE, exit_code_of

COMMANDS = {
    "migrate": "bring every step of a checklist to hold",
    "rehearse": "the whole program on a practice AWS and host, on this machine alone",
    "plan": "show what would be done, with diffs; changes nothing",
    "cost": "what the old and the new side cost a month, item by item",
    "verify": "look at every step and say what holds; changes nothing",
    "adopt": "take over a host that was set up by hand: find what is there, fill the settings, say what differs",
    "diagnose": "why something does not hold, from facts, with a remedy as a plan",
    "decommission": "list what of the old side would go; with a phrase, remove it",
    "restore": "bring the old side back from its archive",
    "bridge": "let the old address lead to the new side, or to the function as before",
    "archive": "read an archive back and say what is wrong with it",
    "status": "where the migration stands, from its record alone",
    "logs": "the service's journal",
    "permissions": "the IAM policy that a checklist needs",
    "report": "what held, when, shown by which evidence",
    "checklist": "lint, show, schema, runbook or coverage of a checklist",
}
DESCRIPTION = (
    "Takes a Flask service off AWS Lambda and API Gateway and puts it on an EC2 host that it keeps proving. Every step"
    " is a sentence that should hold; each plan is shown before it is carried out. Without a command: go on where it"
    " was, or start."
)
EPILOG = "exit codes:\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in MEANINGS.items())


def parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The arguments of every command; each command's own are declared in its file.

    `words` are what was typed: where a command stands among them, the other commands' files are not read.
    """
    read = {name for name in COMMANDS if name in words} or set(COMMANDS)
    raw = argparse.RawDescriptionHelpFormatter
    root = argparse.ArgumentParser(
        prog="iris-migrate", description=fill(DESCRIPTION, 80), epilog=EPILOG, formatter_class=raw, allow_abbrev=False
    )
    _common(root, "flags")
    quiet = argparse.SUPPRESS
    root.add_argument("--plain", action="store_true", default=quiet, help="the numbered frontend, for screen readers")
    importlib.import_module("iris_migrate.commands.migrate").theme_argument(root)
    root.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    commands = root.add_subparsers(dest="command", metavar="COMMAND")
    for name, says in COMMANDS.items():
        if name not in read:
            commands.add_parser(name, help=says)
            continue
        module = importlib.import_module(f"iris_migrate.commands.{name}")
        sub = commands.add_parser(
            name, help=says, description=fill(module.DESCRIPTION, 80), epilog=getattr(module, "EPILOG", None),
            formatter_class=raw, allow_abbrev=False,
        )  # fmt: skip
        _common(sub, "flags_behind")
        module.arguments(sub)
    return root


def _common(parser: argparse.ArgumentParser, flags: str) -> None:
    """What stands before or behind a command. `flags` differ in name: argparse lets a later list replace the first."""
    quiet = argparse.SUPPRESS  # a sub-command must not reset what stood before it
    parser.add_argument("--settings", metavar="FILE", default=quiet, help="settings file (default ./iris-migrate.yaml)")
    parser.add_argument("--state", metavar="FOLDER", default=quiet, help="where records, pins and locks are kept")
    parser.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=quiet, dest=flags, help="a setting; over the file"
    )


class _Version(argparse.Action):
    def __call__(
        self, parser: argparse.ArgumentParser, args: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        from importlib.metadata import version

        print(f"iris-migrate {version('iris-migrate')}")
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and answer its exit code. No exception leaves here as a traceback."""
    args = _parsed(list(sys.argv[1:] if argv is None else argv))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without our symbols is no reason to fail
    try:
        return _run(args)
    except KeyboardInterrupt:
        print("Interrupted. Start again to go on where it was.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more can be said, not even at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("IRIS_MIGRATE_DEBUG"):
            raise
        code, message = exit_code_of(error)
        with contextlib.suppress(OSError):
            print(f"iris-migrate: {_clean(message)}", file=sys.stderr)
        return code


def _parsed(argv: list[str]) -> argparse.Namespace:
    """The arguments. Where a monitoring plugin was asked for, a mistake in them is its UNKNOWN, not its CRITICAL."""
    try:
        return parser(argv).parse_args(argv)
    except SystemExit as left:
        if left.code == USAGE and "verify" in argv and "nagios" in argv:
            print("IRIS UNKNOWN - the command line is wrong; standard error says what")
            raise SystemExit(3) from left
        raise


def _run(args: argparse.Namespace) -> int:
    if args.command is None:
        from iris_migrate.commands.frontend import interactive

        vars(args).update(checklist="lambda-to-ec2", format="text")
        return interactive(args)
    code = int(importlib.import_module(f"iris_migrate.commands.{args.command}").run(args))
    sys.stdout.flush()
    return code


def _clean(message: str) -> str:
    from iris_migrate.redact import clean

    return clean(message)


if __name__ == "__main__":
    sys.exit(main())
