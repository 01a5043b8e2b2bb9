"""`adopt`: a host that was set up by hand: what is there, the settings that say so, and what differs. Looks only."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iris_migrate.engine.adoption import Told

DESCRIPTION = """\
Looks at a host that somebody set up by hand: which unit runs the application, as whom, from which folder, on which
port; fills the settings with that, and says what differs from the checklist. Changes nothing on the host; writes the
settings file that --write names, and no other."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")
    parser.add_argument("--host", metavar="ADDRESS[:PORT]", required=True, help="where it is")
    parser.add_argument(
        "--host-key", metavar="SHA256:…", action="append", default=[], help="a host key that you vouch for"
    )
    parser.add_argument("--unit", metavar="NAME", default="", help="the unit, where several start the application")
    parser.add_argument("--write", metavar="FILE", help="write the settings there; a file that exists stays as it is")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default text")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.interruption import run_interruptible
    from iris_migrate.exits import UsageError

    if args.write and Path(args.write).exists():
        raise UsageError(f"{args.write} exists and stays as it is. Name another file, or move it away.")
    return run_interruptible(_adopt(args))


async def _adopt(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from iris_migrate.arguments import options
    from iris_migrate.commands.hosts import Looker
    from iris_migrate.commands.reaching import place_of
    from iris_migrate.commands.session import say
    from iris_migrate.engine.adoption import adopted
    from iris_migrate.engine.session import Session
    from iris_migrate.engine.standing_host import on_host
    from iris_migrate.language.load import load
    from iris_migrate.language.settings import declarations
    from iris_migrate.language.source import read

    given = options(args)
    usual = load(given.checklist, flags=given.flags, settings_file=given.settings_file())
    address, port = place_of(args.host)
    operator = Looker(say=say)
    operator.vouched = args.host_key
    declared = declarations(given.checklist)
    given = replace(given, host=args.host)
    session = Session(given, operator, checklist=on_host(usual, address, port))
    await session.open()
    try:
        root = usual.host.root if usual.host else ""
        told = await adopted(
            session.target.host, declared, units=str(session.setting("paths.units", f"{root}/etc/systemd/system")),
            root=root, profiles=read(given.checklist).profiles, unit=args.unit,
        )  # fmt: skip
    finally:
        await session.close()
    taken = {name: item.value for name, item in told.items() if not item.wrong}
    flags = {**given.flags, **{name: _text(value) for name, value in taken.items()}}
    filled = load(given.checklist, flags=flags, settings_file=given.settings_file())
    if args.write:
        from iris_migrate.language.settings import write

        own = {name: item.value for name, item in usual.settings.items() if item.origin in ("flag", "file")}
        own |= {"ssh.port": port} if port and "ssh.port" in filled.settings else {}
        secret = {item.name for item in declared if item.secret}
        write(Path(args.write), {name: value for name, value in (own | taken).items() if name not in secret}, declared)
    looking = Session(given, operator, checklist=on_host(filled, address, port))
    await looking.open()
    try:
        result = await looking.inspect(within=120.0)
    finally:
        await looking.close()
    _show(args, told, usual.settings, result)
    return result.exit_code


def _text(value: Any) -> str:
    """As `--set` would give it."""
    return ",".join(value) if isinstance(value, list | tuple) else str(value)


def _show(args: argparse.Namespace, told: Mapping[str, Told], usual: Mapping[str, Any], result: Any) -> None:
    from iris_migrate.reports.adoption import adoption_document, adoption_lines
    from iris_migrate.reports.show import show_json, show_lines
    from iris_migrate.reports.text import lines_of

    if args.format == "json":
        document = {"settings": adoption_document(told, usual), "written": args.write, "result": result.document()}
        show_json(document)
        return
    written = [f"Written to {args.write}; secrets are not read: name their sources there.", ""] if args.write else []
    show_lines([*adoption_lines(told, usual), "", *written, "What differs", *lines_of(result)])
