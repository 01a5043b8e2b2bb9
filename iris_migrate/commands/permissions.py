"""`permissions`: the IAM policy that a checklist needs."""

from __future__ import annotations

import argparse

DESCRIPTION = """\
Prints the IAM policy that a checklist needs, as JSON, from the calls that its steps declare. Needs no access to AWS.
What only an undo deletes is allowed on things with our tag alone."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checklist", nargs="?", default="lambda-to-ec2", help="name or folder (default lambda-to-ec2)")


def run(args: argparse.Namespace) -> int:
    from iris_migrate.arguments import options
    from iris_migrate.engine.permissions import policy
    from iris_migrate.exits import OK
    from iris_migrate.language.load import load
    from iris_migrate.reports.show import show_json

    given = options(args)
    checklist = load(given.checklist, flags=given.flags, settings_file=given.settings_file())
    region = checklist.settings.get("aws.region")
    show_json(policy(checklist, str(region.value if region else "") or checklist.region or "*"))
    return OK
