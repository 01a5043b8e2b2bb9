"""`report`: what held, when, shown by which evidence; waivers, changes, settings. From the record alone."""

from __future__ import annotations

import argparse
import time

DESCRIPTION = """\
Writes what held, when and shown by which evidence, with waivers, changes and settings without secrets, to standard
output. From the record alone: run verify before, for a fresh look."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")
    parser.add_argument("--format", choices=("md",), default="md", help="md: Markdown (default)")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.commands.history import opened_record
    from iris_migrate.engine.history import recorded
    from iris_migrate.exits import OK
    from iris_migrate.reports.markdown import report
    from iris_migrate.reports.show import show_lines

    with opened_record(args) as (checklist, record):
        show_lines(list(report(checklist, recorded(checklist, record, time.time()), record)))
    return OK
