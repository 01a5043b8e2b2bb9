"""A file of variables that systemd and python-dotenv read alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import Change, Content, OperatorAsk
from iris_migrate.findings import Finding, unknown
from iris_migrate.resources.files import HiddenFile
from iris_migrate.target import Target
from iris_migrate.values import Text, text

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
# Inside single quotes systemd takes all as it stands; python-dotenv still expands ${…} and unescapes backslashes.
_READ_TWO_WAYS = {"'": "a single quote", "\\": "a backslash", "${": "${"}


class NotReadAlike(ValueError):
    """A value that the two readers would understand differently, or that no line can hold."""


def line(name: str, value: Any) -> str | Text:
    """One `NAME=value`. Raises NotReadAlike, naming the variable and never its value.

    A secret's value is not known here: its setting's own pattern refuses the same characters.
    """
    if not _NAME.fullmatch(name):
        raise NotReadAlike(f"{name!r} is not a name for a variable")
    plain = value if isinstance(value, Text) else str(value) if isinstance(value, str | int | float) else None
    if plain is None:
        return text(f"{name}='", value, "'\n")
    pieces = [part for part in plain.parts if isinstance(part, str)] if isinstance(plain, Text) else [plain]
    for piece in pieces:
        for sign, says in _READ_TWO_WAYS.items():
            if sign in piece:
                raise NotReadAlike(f"the value of {name} holds {says}: systemd and python-dotenv read it differently")
        if not piece.isprintable():
            raise NotReadAlike(f"the value of {name} holds a line break or another control character")
    if isinstance(plain, str) and _PLAIN.fullmatch(plain):
        return f"{name}={plain}\n"
    return text(f"{name}='", plain, "'\n")


@dataclass(frozen=True, kw_only=True)
class VariablesFile(HiddenFile):
    """A file of variables is there, only for its owner, in a form that systemd and python-dotenv read alike."""

    kind: ClassVar[str] = "variables.file"
    variables: Mapping[str, Any]  # an empty value leaves the variable out

    @property
    def text(self) -> Content:
        head = "# Written by iris-migrate. systemd reads this file; a form that python-dotenv reads alike.\n"
        return text(head, *(line(name, value) for name, value in self.variables.items() if value != ""))

    async def inspect(self, target: Target) -> Finding:
        try:
            _ = self.text
        except NotReadAlike as reason:
            return unknown(f"{reason}; give it another value")
        return await super().inspect(target)

    def plan(self, finding: Finding) -> list[Change]:
        try:
            return super().plan(finding)
        except NotReadAlike as reason:  # only a printed runbook comes here: inspect finds it unknown
            return [OperatorAsk(says=f"Give another value: {reason}", question=f"{reason}. Was it changed?")]
