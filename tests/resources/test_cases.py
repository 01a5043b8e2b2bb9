"""Every data case: what is found, what is planned, what is found after it, and the way back."""

from __future__ import annotations

import json

import pytest

from iris_migrate.changes import Change
from iris_migrate.encoding import canonical, decode, decode_finding, encode
from iris_migrate.findings import Finding, Verdict
from iris_migrate.resources.base import CannotUndo, parameters
from iris_migrate.values import unresolved
from tests.resources.cases import Case, Containing, cases, changes_differ, inspected, same
from tests.resources.purity import nothing_but_thought


def with_part(*names: str) -> pytest.MarkDecorator:
    """The cases that state these parts."""
    chosen = [case for case in cases() if all(name in case.data for name in names)]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.name)


every_case = pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)


async def found(case: Case, which: str = "facts") -> Finding:
    return await inspected(case.resource(), case.target(which))


def planned(case: Case, finding: Finding) -> list[Change]:
    """The plan, with the proof that it is thought only and the same each time."""
    resource = case.resource()
    with nothing_but_thought():
        first = resource.plan(finding)
        second = case.resource().plan(finding)
    assert first == second, "the same finding gave two different plans"
    return first


def matches(expected: dict[str, object], finding: Finding) -> list[str]:
    """How a finding differs from what a case expects of it."""
    problems = []
    if finding.verdict != expected["verdict"]:
        problems.append(f"verdict {finding.verdict}, stated {expected['verdict']}")
    if "reason" in expected and str(expected["reason"]) not in finding.reason:
        problems.append(f"reason {finding.reason!r} does not contain {expected['reason']!r}")
    for name, value in dict(expected.get("outputs") or {}).items():
        problems += same(value, finding.outputs.get(name), f"output {name}")
    for wanted in expected.get("evidence") or ():
        if not any(all(getattr(item, name) == value for name, value in wanted.items()) for item in finding.evidence):
            problems.append(f"no evidence {wanted}")
    if "until" in expected:
        problems += same(expected["until"], finding.until, "until")
    if problems:
        problems.append("seen: " + "; ".join(f"{e.asked}: {e.seen} ({e.verdict})" for e in finding.evidence))
        problems.append(f"reason: {finding.reason!r}")
    return problems


@every_case
def test_a_case_names_parameters_that_its_class_has(case: Case) -> None:
    known = parameters(case.cls)
    given = set(case.data.get("with") or {})
    assert given <= set(known)
    assert {name for name, required in known.items() if required} <= given


@every_case
async def test_it_finds_what_the_case_states(case: Case) -> None:
    finding = await found(case)
    assert not matches(case.stated("expect"), finding)
    assert finding.evidence or finding.reason, "a finding without evidence says why"


@every_case
async def test_it_plans_what_the_case_states(case: Case) -> None:
    finding = await found(case)
    changes = planned(case, finding)
    if not finding.verdict.plans or case.cls.check_only:
        assert changes == [], f"{finding.verdict} plans nothing"
        return
    assert changes, f"{finding.verdict} plans something, or the class says check_only"
    assert "plan" in case.data, "a case that plans states the plan:\n" + "\n".join(map(repr, changes))
    assert not changes_differ(case.stated("plan"), changes)


@with_part("after")
async def test_after_its_plan_it_holds_and_plans_nothing(case: Case) -> None:
    finding = await found(case, "after")
    assert not matches({"verdict": "holds", **(case.data.get("after_expect") or {})}, finding)
    assert planned(case, finding) == []


@with_part("undo")
async def test_its_undo_is_what_the_case_states(case: Case) -> None:
    before, after = await found(case), await found(case, "after")
    recorded = decode_finding(json.loads(json.dumps(encode(before))))
    with nothing_but_thought():
        changes = case.resource().undo(before, after)
        from_record = case.resource().undo(recorded, after)
    assert not changes_differ(case.stated("undo"), changes)
    assert [canonical(item) for item in from_record] == [canonical(item) for item in changes], (
        "the state before comes from the record, as JSON: sequences are lists there"
    )


@with_part("undo_refuses")
async def test_what_cannot_be_undone_says_so(case: Case) -> None:
    before, after = await found(case), await found(case, "after")
    with pytest.raises(CannotUndo) as refusal:
        case.resource().undo(before, after)
    assert case.data["undo_refuses"] in str(refusal.value)


@with_part("undo")
async def test_undo_returns_to_what_was(case: Case) -> None:
    """Where a case states `back`, the world after the undo; else the world before must do."""
    before, back = await found(case), await found(case, "back" if "back" in case.data else "facts")
    assert back.verdict == before.verdict
    assert planned(case, back) == planned(case, before)


@every_case
async def test_findings_and_changes_survive_the_record(case: Case) -> None:
    finding = await found(case)
    again = decode_finding(json.loads(json.dumps(encode(finding))))
    assert canonical(again) == canonical(finding)
    for change in planned(case, finding):
        assert canonical(decode(json.loads(canonical(change)))) == canonical(change)


@every_case
async def test_no_secret_is_shown(case: Case) -> None:
    """`secrets` of a case are values that stand in its facts; none may come out of the resource."""
    finding = await found(case)
    undone = case.resource().undo(finding, await found(case, "after")) if "undo" in case.data else []
    shown = repr(finding) + repr(planned(case, finding)) + repr(undone)
    for secret in case.data.get("secrets") or ():
        assert secret not in shown
    assert "PRIVATE KEY" not in shown


@every_case
async def test_outputs_are_declared_and_complete_where_it_holds(case: Case) -> None:
    finding = await found(case)
    assert set(finding.outputs) <= case.cls.outputs
    if finding.verdict is Verdict.HOLDS:
        assert set(finding.outputs) == case.cls.outputs
    assert not unresolved(dict(finding.outputs))


def test_a_wrong_statement_is_noticed() -> None:
    """The comparison itself can fail: a field with another value, an unknown field, another kind, a missing item."""
    from iris_migrate.changes import HostCommand

    change: list[Change] = [HostCommand(says="Reload", argv=("nginx", "-t"), root=True)]
    assert not changes_differ([{"kind": "command", "argv": ["nginx", "-t"], "root": True}], change)
    assert changes_differ([{"kind": "command", "argv": ["nginx", "-T"]}], change)
    assert changes_differ([{"kind": "command", "argv": ["nginx"]}], change)
    assert changes_differ([{"kind": "command", "shell": True}], change)
    assert changes_differ([{"kind": "file"}], change)
    assert changes_differ([], change)
    assert changes_differ([{"kind": "command", "says": Containing("Start")}], change)
