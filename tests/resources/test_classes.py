"""What every resource class has to be, whatever it describes."""

from __future__ import annotations

import typing
from dataclasses import fields

import pytest

from iris_migrate.changes import AwsCall, Change, Save
from iris_migrate.findings import Finding, Verdict
from iris_migrate.resources.base import Resource, resource_class
from iris_migrate.values import Unresolved
from tests.resources.cases import Case, cases, classes, inspected
from tests.resources.purity import TouchedTheWorld, nothing_but_thought

every_class = pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.kind)


def cases_of(cls: type[Resource]) -> list[Case]:
    return [case for case in cases() if case.cls is cls]


async def surfaces_and_calls(cls: type[Resource]) -> tuple[set[str], set[str]]:
    """What a class asks in all its cases, and every AWS call it reads with, plans, or looks for after a crash."""
    asked: set[str] = set()
    called: set[str] = set()
    for case in cases_of(cls):
        resource = case.resource()
        findings = []
        for which in ("facts", *(name for name in ("after", "back") if name in case.data)):
            target = case.target(which)
            findings.append(await inspected(resource, target))
            asked |= target.asked
            called |= target.called
        changes = [change for finding in findings for change in resource.plan(finding)]
        if "undo" in case.data:
            changes += resource.undo(findings[0], findings[1])
        called |= {name for change in changes for name in calls_of(change)}
    return asked, called


def calls_of(change: Change) -> set[str]:
    """The AWS calls of one Change: itself, and the read that finds it after an interruption; or what is saved."""
    if isinstance(change, Save) and "aws" in change.source:
        service, operation, _ = change.source["aws"]
        return {f"{service}:{operation}"}
    if not isinstance(change, AwsCall):
        return set()
    return {change.action} | ({f"{change.service}:{change.find.operation}"} if change.find else set())


@every_class
def test_a_class_says_what_it_describes(cls: type[Resource]) -> None:
    assert cls.__doc__, "a docstring: the sentence about the world"
    assert not cls.__doc__.startswith(f"{cls.__name__}("), "a docstring of its own, not the dataclass's"
    assert resource_class(cls.kind) is cls, "found by its kind in its family's module"


@every_class
def test_a_class_has_its_cases(cls: type[Resource]) -> None:
    """One that holds, one that does not, and unless it only checks one with its plan and the facts after it."""
    own = cases_of(cls)
    verdicts = {case.data["expect"]["verdict"] for case in own}
    assert "holds" in verdicts, f"no case in which {cls.kind} holds"
    assert verdicts - {"holds"}, f"no case in which {cls.kind} does not hold"
    if not cls.check_only:
        mended = [
            case for case in own if case.data["expect"]["verdict"] in ("absent", "differs") and "after" in case.data
        ]
        assert mended, f"no case of {cls.kind} with plan and after"


@every_class
def test_a_class_that_changes_something_says_how_it_is_undone(cls: type[Resource]) -> None:
    if not cls.check_only:
        assert any("undo" in case.data or "undo_refuses" in case.data for case in cases_of(cls))


@every_class
async def test_declared_surfaces_are_those_asked(cls: type[Resource]) -> None:
    asked, _ = await surfaces_and_calls(cls)
    assert asked == cls.uses


@every_class
async def test_declared_calls_are_those_made(cls: type[Resource]) -> None:
    _, called = await surfaces_and_calls(cls)
    assert called == cls.calls, f"not declared: {called - cls.calls}; never made in a case: {cls.calls - called}"


@every_class
def test_a_runbook_can_be_printed(cls: type[Resource]) -> None:
    """The plan of a bare `absent` with every reference still open: the printable runbook."""
    if cls.check_only:
        return
    own = cases_of(cls)
    assert own, "no case"
    hints = typing.get_type_hints(cls)
    opened = {
        field.name: Unresolved("other-step", field.name)
        for field in fields(cls)
        if field.name not in ("key", "now") and Unresolved in typing.get_args(hints[field.name])
    }
    for case in own:
        resource = case.resource(
            **{name: value for name, value in opened.items() if name in (case.data.get("with") or {})}
        )
        with nothing_but_thought():
            changes = resource.plan(Finding(Verdict.ABSENT))
        assert changes
        assert all(change.says and change.says[0].isupper() for change in changes)


@every_class
def test_a_class_plans_nothing_when_there_is_nothing_to_mend(cls: type[Resource]) -> None:
    for case in cases_of(cls):
        for verdict in (Verdict.HOLDS, Verdict.CONVERGING, Verdict.WARNS, Verdict.UNKNOWN):
            assert case.resource().plan(Finding(verdict)) == []


def test_the_classes_are_found() -> None:
    assert {"ec2.key_pair", "ec2.instance", "ec2.elastic_ip"} <= {cls.kind for cls in classes()}


def test_touching_the_world_is_noticed() -> None:
    with pytest.raises(TouchedTheWorld), nothing_but_thought():
        open("/dev/null")  # noqa: SIM115, PTH123
