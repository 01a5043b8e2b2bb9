"""dpkg-query and dpkg: questions about the status file."""

from __future__ import annotations

import fnmatch
import re
import sys

from iris_migrate.rehearsal.host.stand_ins import accounts, packages


def main(name: str, root: str, argv: list[str]) -> int:
    have = packages.installed(root)
    template, verb, patterns = "${binary:Package}\t${Version}\n", "", []
    words = list(argv)
    while words:
        word = words.pop(0)
        if word in (
            "-W",
            "--show",
            "-l",
            "--list",
            "-s",
            "--status",
            "--print-architecture",
            "--audit",
            "-C",
            "--configure",
            "-L",
            "--listfiles",
        ):
            verb = word
        elif word in ("-f", "--showformat"):
            template = words.pop(0)
        elif word.startswith("--showformat="):
            template = word.partition("=")[2]
        elif word.startswith("-f"):
            template = word[2:].removeprefix("=")
        elif word in ("-a", "--pending", "--no-pager"):
            continue
        elif word == "--":
            patterns += words
            words = []
        elif word.startswith("-"):
            return accounts.fail(f"{name}: error: unknown option {word}", 2)
        else:
            patterns.append(word)
    match verb:
        case "--print-architecture":
            sys.stdout.write("amd64\n")
            return 0
        case "--audit" | "-C" | "--configure":
            return 0
        case "-W" | "--show":
            return _show(have, template, patterns)
        case "-l" | "--list":
            return _show(have, "ii  ${Package} ${Version} amd64 ${binary:Summary}\n", patterns)
        case "-s" | "--status":
            return _show(have, "Package: ${Package}\nStatus: ${Status}\nVersion: ${Version}\n", patterns, status=True)
    return accounts.fail(f"{name}: error: need an action option", 2)


def _show(have: dict[str, str], template: str, patterns: list[str], *, status: bool = False) -> int:
    failed = 0
    chosen: list[str] = []
    for pattern in patterns or ["*"]:
        plain = pattern.removesuffix(":amd64")
        matching = sorted(name for name in have if fnmatch.fnmatchcase(name, plain))
        if not matching:
            text = (
                f"package '{plain}' is not installed and no information is available"
                if status
                else f"no packages found matching {pattern}"
            )
            failed = accounts.fail(f"dpkg-query: {text}", 1)
        chosen += matching
    for name in chosen:
        sys.stdout.write(_filled(template, name, have[name]))
    return failed


def _filled(template: str, name: str, version: str) -> str:
    fields = {
        "Package": name, "binary:Package": name, "Version": version, "Status": "install ok installed",
        "Architecture": "amd64",
        "db:Status-Abbrev": "ii ", "db:Status-Status": "installed", "db:Status-Want": "install", "Source": name,
        "binary:Summary": packages.KNOWN[name].says if name in packages.KNOWN else "", "source:Version": version,
    }  # fmt: skip
    text = template.replace("\\n", "\n").replace("\\t", "\t")
    return re.sub(r"\$\{([^};]+)(?:;-?\d+)?\}", lambda found: fields.get(found.group(1), ""), text)
