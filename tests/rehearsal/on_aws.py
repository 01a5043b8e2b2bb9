"""`make test-aws`: the tests of the practice AWS's rules against a real account, after its id was typed."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pytest

from tests.rehearsal import rule_document
from tests.rehearsal.real_aws import TAGS, RealAws, RealClients

ABOUT = """\
This makes functions, HTTP and REST APIs, repositories with images of a few bytes and one role in an AWS account
({who}, {region}), each tagged {tags}. All of it is free or costs less than a cent; all of it is removed at the end.
To agree, type the account's id: """


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make test-aws", description=__doc__)
    parser.add_argument("--document", type=Path, help="where to write the page (default docs/verified-on-aws.md)")
    options, more = parser.parse_known_args(argv)
    if os.environ.get("CI"):
        print("This never runs in CI: it works on a real account, for somebody who looks at it.", file=sys.stderr)
        return 2
    if os.environ.get("AWS_ENDPOINT_URL") and options.document is None:
        print("AWS_ENDPOINT_URL is set: what is seen there was not seen on AWS. Name a --document.", file=sys.stderr)
        return 2
    clients = RealClients()
    account = clients.account()
    print(ABOUT.format(who=clients.who(), region=clients.region, tags=TAGS), end="", flush=True)
    if sys.stdin.readline().strip() != account:
        print("\nThat is not its id: nothing was made.", file=sys.stderr)
        return 2
    document = options.document or rule_document.DOCUMENT
    kept = document.with_suffix(".yaml") if options.document else rule_document.SEEN
    folder = str(Path(__file__).parent)
    try:
        status = pytest.main(
            [folder, "-p", "no:cacheprovider", "-q", *more], plugins=[RealAws(clients, document, kept)]
        )
    finally:
        left = clients.end()
        print("\n".join(["Not removed:", *left]) if left else "All that was made is removed.")
    return int(status) or (1 if left else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
