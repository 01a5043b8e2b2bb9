"""A Change in words: one line, and in full with a diff. Secrets appear by name only."""

from __future__ import annotations

import difflib
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from iris_migrate.changes import (
    AwsCall,
    Change,
    HostCommand,
    HostFile,
    HostScript,
    HttpCall,
    LocalCommand,
    LocalEdit,
    LocalKey,
    OperatorAsk,
    Save,
)  # fmt: skip
from iris_migrate.values import SPECIALS, Secret, Text, specials

_LONGEST = 200  # characters of where something saved comes from


def summary(change: Change) -> str:
    """What it does, in one line."""
    match change:
        case HostFile(was=was, path=path, secret=secret):
            sign = "~" if was is not None else "+"
            return f"{sign} {path}  ({'secret' if secret else f'{_lines(change.content)} lines'})  {change.says}"
        case HostCommand():
            return f"$ {_sudo(change.root, change.user)}{command(change.argv)}"
        case HostScript():
            return f"$ {_sudo(change.root, change.user)}sh {change.name}  {change.says}"
        case LocalCommand():
            return f"$ {command(change.argv)}  (on this machine)"
        case LocalEdit():
            return f"~ {change.path}  (on this machine)  {change.says}"
        case LocalKey():
            return f"+ {change.path}  (on this machine)  {change.says}"
        case AwsCall():
            return f"aws {change.service} {change.operation}  {change.says}"
        case HttpCall():
            return f"{change.method} {change.url}  {change.says}"
        case OperatorAsk():
            return f"? {change.question}"
        case Save():
            return f"save {change.name}  {change.says}"
    return change.says


def details(change: Change) -> list[str]:
    """Everything it would do, line by line; changed files as a unified diff."""
    match change:
        case HostFile():
            head = f"{change.path}  mode {change.mode}  owner {change.owner}:{change.group}"
            if change.secret:
                names = ", ".join(sorted({item.name for item in specials(change.content) if isinstance(item, Secret)}))
                return [head, f"secret content{f' with {names}' if names else ''}: not shown"]
            return [head, *diff(change.was, str(change.content))]
        case LocalEdit():
            return [change.path, *diff(change.was, None if change.content is None else str(change.content))]
        case HostScript():
            return [*_environment(change.env), *str(change.script).splitlines()]
        case HostCommand() | LocalCommand():
            where = [f"cd {change.cwd}"] if change.cwd else []
            return [*where, *_environment(change.env), summary(change).removeprefix("$ ")]
        case AwsCall():
            return [
                f"{change.service} {change.operation}",
                *json.dumps(plain(change.params), indent=2, ensure_ascii=False).splitlines(),
            ]
        case HttpCall():
            body = (
                []
                if change.json is None
                else json.dumps(plain(change.json), indent=2, ensure_ascii=False).splitlines()[:40]
            )
            return [f"{change.method} {change.url}", *(f"{k}: {v}" for k, v in plain(change.headers).items()), *body]
        case OperatorAsk():
            return [str(change.question), *str(change.instructions).splitlines()]
        case Save():
            return [f"{change.name}{', encrypted,' if change.secret else ''} from {_source(change.source)}"]
    return [change.says]


def diff(was: str | None, now: str | None) -> list[str]:
    """A unified diff without file headers; a new file is all plus signs."""
    lines = difflib.unified_diff((was or "").splitlines(), (now or "").splitlines(), lineterm="", n=2)
    return [line for line in lines if not line.startswith(("---", "+++"))]


def command(argv: Sequence[Any]) -> str:
    """An argument list as one would type it."""
    return " ".join(str(item) if isinstance(item, (*SPECIALS, Text)) else shlex.quote(item) for item in argv)


def plain(value: Any) -> Any:
    """The value with every special replaced by its name, for showing."""
    if isinstance(value, (*SPECIALS, Text)):
        return str(value)
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _source(source: Mapping[str, Any]) -> str:
    """Where something saved comes from; data of ours stands elsewhere already."""
    if "data" in source:
        return "what was looked at"
    said = json.dumps(plain(source.get("aws", source)), ensure_ascii=False)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]} …"


def _environment(env: Mapping[str, Any]) -> list[str]:
    return [f"{name}={value}" for name, value in plain(env).items()]


def _sudo(root: bool, user: str) -> str:
    return f"sudo -u {user} " if user else "sudo " if root else ""


def _lines(content: Any) -> int:
    return len(str(content).splitlines())
