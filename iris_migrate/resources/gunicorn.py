"""gunicorn's configuration file in the checkout: there, readable, and what the unit overrides in it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge, unknown
from iris_migrate.resources.files import File, remove
from iris_migrate.target import Target


@dataclass(frozen=True, kw_only=True)
class Configuration(File):
    """A configuration of gunicorn is there; where it sets something else than the unit's command line, that is said.

    The checkout's own file stays: it may be tracked, and may do more than settings (hooks, worker classes). Only where
    there is none, ours is written. What must be so stands on the unit's command line, which outranks the file; so a
    literal that differs here is a warning. Read as text, never run.
    """

    kind: ClassVar[str] = "gunicorn.config"
    expect: Mapping[str, Any]  # names of settings with the values that the unit's command line gives them

    async def inspect(self, target: Target) -> Finding:
        stat = await target.host.stat(self.path)
        if stat is None:
            return conclude([Evidence(f"file {self.path}", "there", "not there", Verdict.ABSENT)])
        text = await target.host.text(self.path) or ""
        try:
            settings = literals(text)
        except SyntaxError as error:
            return unknown(
                f"line {error.lineno} of {self.path} is not Python: {error.msg}; correct it in the repository"
            )
        evidence = [judge(f"file {self.path}", "there", "there")]
        for name, value in self.expect.items():
            if name in settings:
                seen = f"{settings[name]!r}" + ("" if settings[name] == value else ", overridden by the unit")
                right = Verdict.HOLDS if settings[name] == value else Verdict.WARNS
                evidence.append(Evidence(f"{name} in {self.path}", repr(value), seen, right))
        if settings.get("preload_app"):
            seen = "True: a reload does not load new code"
            evidence.append(Evidence(f"preload_app in {self.path}", "False", seen, Verdict.WARNS))
        return conclude(evidence, facts={"there": True})

    def plan(self, finding: Finding) -> list[Change]:
        return [self.write(self.content, self.wanted, None)] if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        return [remove(self.path)] if before.verdict is Verdict.ABSENT and finding.facts else []


def literals(text: str) -> dict[str, Any]:
    """The module-level assignments of plain values; computed ones are left out. Raises SyntaxError."""
    found: dict[str, Any] = {}
    for statement in ast.parse(text).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                found[name] = value
            case ast.Assign(targets=[ast.Name(id=name)]):
                found.pop(name, None)
    return found
