"""`archive verify`: reads an archive back, file by file, and decrypts it. Needs no AWS and no host."""

from __future__ import annotations

import argparse

DESCRIPTION = """\
Reads every file of an archive back, compares it with its digest, and decrypts it with the key: from IRIS_ARCHIVE_KEY,
or from this machine when it was made here. Needs no access to AWS."""


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    says = "every file has its digest and can be decrypted"
    verify = actions.add_parser("verify", help=says, description=DESCRIPTION)
    verify.add_argument("folder", nargs="?", help="the archive (default: the setting archive.folder)")
    verify.add_argument("--format", choices=("text", "json"), default="text", help="default text")


def run(args: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run(_verify(args))


async def _verify(args: argparse.Namespace) -> int:
    from pathlib import Path

    from iris_migrate.arguments import options
    from iris_migrate.engine.archive import Archive
    from iris_migrate.engine.archive_key import ArchiveKeys
    from iris_migrate.engine.decommission import CHECKLIST
    from iris_migrate.exits import OK, WRONG
    from iris_migrate.language.load import load
    from iris_migrate.reports.show import show_json, show_lines

    args.checklist = CHECKLIST
    given = options(args)
    folder = args.folder
    if not folder:
        checklist = load(given.checklist, flags=given.flags, settings_file=given.settings_file())
        folder = str(checklist.settings["archive.folder"].value)
    keys = ArchiveKeys(given.state_folder(), given.environment, lambda key, path: None)
    archive = Archive(Path(folder), key=keys)
    manifest, problems = await archive.manifest(folder), await archive.problems(folder)
    items = manifest["items"] if manifest else {}
    size = sum(item["bytes"] for item in items.values())
    if args.format == "json":
        show_json({"folder": folder, "items": len(items), "bytes": size, "problems": list(problems)})
    else:
        good = [f"{folder}: {len(items)} items, {size} bytes, all as they were saved"]
        show_lines([f"{folder}: {problem}" for problem in problems] or good)
    return WRONG if problems else OK
