"""install: the real one makes the files, this one records -o and -g."""

from __future__ import annotations

import os
import subprocess

from iris_migrate.rehearsal.host.stand_ins import accounts, chown, ownership

VALUED = ("-m", "-t", "-S", "--mode", "--target-directory", "--suffix")


def main(name: str, root: str, argv: list[str]) -> int:
    passed, words, owner, group, target, folders = [], [], "", "", "", False
    items = list(argv)
    while items:
        word = items.pop(0)
        option, _, value = word.partition("=")
        if word in ("-o", "-g"):
            owner, group = (items.pop(0), group) if word == "-o" else (owner, items.pop(0))
        elif option in ("--owner", "--group"):
            owner, group = (value, group) if option == "--owner" else (owner, value)
        elif word in VALUED:
            passed += [word, items[0]]
            target = items[0] if word in ("-t", "--target-directory") else target
            items.pop(0)
        elif word.startswith("-") and word != "-":
            folders = (
                folders
                or (word.startswith("-") and not word.startswith("--") and "d" in word.split("m")[0])
                or word == "--directory"
            )
            passed.append(word)
        else:
            words.append(word)
    if (owner or group) and accounts.me(root) != "root":
        return accounts.fail(
            f"install: cannot change ownership of '{words[-1] if words else ''}': Operation not permitted", 1
        )
    try:
        user, named = chown.parse_owner(f"{owner}:{group}" if group else owner, root) if owner or group else ("", "")
    except ValueError:
        what = f"user '{owner}'" if accounts.user_line(root, owner) is None and owner else f"group '{group}'"
        return accounts.fail(f"install: invalid {what}", 1)
    status = subprocess.run(["/usr/bin/install", *passed, *words], check=False).returncode
    if status == 0:
        made = (
            words
            if folders
            else [os.path.join(target, os.path.basename(item)) for item in words]
            if target
            else words[-1:]
        )
        if not folders and not target and words and os.path.isdir(words[-1]):
            made = [os.path.join(words[-1], os.path.basename(item)) for item in words[:-1]]
        me = accounts.me(root)
        for path in made:
            ownership.record(os.path.abspath(path), root, user or me, named or (me if not owner else ""))
    return status
