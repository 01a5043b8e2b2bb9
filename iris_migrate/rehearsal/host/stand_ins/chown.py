"""chown and chgrp: record the owner, refuse who and what does not exist."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from iris_migrate.rehearsal.host.stand_ins import accounts, ownership


def parse_owner(text: str, root: str) -> tuple[str, str]:
    """`user`, `user:group`, `user:`, `:group` as names. Raises ValueError for those that do not exist."""
    user, colon, group = text.partition(":")
    names = ["", ""]
    if user:
        line = accounts.user_line(root, user)
        if line is None:
            raise ValueError(f"invalid user: '{text}'")
        names[0] = line[0]
        if colon and not group:
            own = accounts.group_line(root, line[3])
            names[1] = own[0] if own else ""
    if group:
        line = accounts.group_line(root, group)
        if line is None:
            raise ValueError(f"invalid group: '{text}'")
        names[1] = line[0]
    return names[0], names[1]


def _below(path: str) -> Iterator[str]:
    yield path
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            yield os.path.join(folder, name)


def main(name: str, root: str, argv: list[str]) -> int:
    flags, words = "", []
    reference = None
    for word in argv:
        if word.startswith("--reference="):
            reference = word.partition("=")[2]
        elif word in ("--recursive", "--no-dereference", "--", "--silent", "--quiet"):
            flags += {"--recursive": "R", "--no-dereference": "h"}.get(word, "")
        elif word.startswith("--"):
            return accounts.fail(f"{name}: unrecognized option '{word}'\nTry '{name} --help' for more information.", 1)
        elif word.startswith("-") and len(word) > 1:
            flags += word[1:]
        else:
            words.append(word)
    unknown = set(flags) - set("RhvcfLPH")
    if unknown:
        return accounts.fail(
            f"{name}: invalid option -- '{unknown.pop()}'\nTry '{name} --help' for more information.", 1
        )
    if len(words) < (1 if reference else 2):
        return accounts.fail(f"{name}: missing operand", 1)
    if reference is not None:
        user, group = ownership.owner(reference, root, follow=True)
        user = user if name == "chown" else ""
    else:
        try:
            spec = words.pop(0)
            user, group = parse_owner(spec if name == "chown" else f":{spec}", root)
        except ValueError as error:
            text = str(error) if name == "chown" else f"invalid group: '{spec}'"
            return accounts.fail(f"{name}: {text}", 1)
    return _apply(name, root, words, flags, user, group)


def _apply(name: str, root: str, words: list[str], flags: str, user: str, group: str) -> int:
    status = 0
    allowed = accounts.me(root) == "root"
    for word in words:
        path = os.path.abspath(word)
        exists = os.path.lexists(path) if "h" in flags else os.path.exists(path)
        if not exists:
            status = accounts.fail(f"{name}: cannot access '{word}': No such file or directory", 1)
            continue
        if not os.path.realpath(path).startswith(root + "/") and os.path.realpath(path) != root:
            status = accounts.fail(f"{name}: practice host: '{word}' is outside the practice folder", 1)
            continue
        if not allowed:
            status = accounts.fail(f"{name}: changing ownership of '{word}': Operation not permitted", 1)
            continue
        if "h" not in flags and "R" not in flags:
            path = os.path.realpath(path)
        for item in _below(path) if "R" in flags else (path,):
            try:
                ownership.record(item, root, user, group)
            except OSError as error:
                sys.stderr.write(f"{name}: changing ownership of '{item}': {error.strerror}\n")
                status = 1
    return status
