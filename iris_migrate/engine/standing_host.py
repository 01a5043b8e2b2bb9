"""A checklist that makes its host, asked about a host that is there already: the same questions, another address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from iris_migrate.language.checklist import Checklist, Step
from iris_migrate.resources.base import resource_class
from iris_migrate.values import Unresolved, fill, unresolved

ELSEWHERE = "not asked of a host that was made without this checklist"


def on_host(checklist: Checklist, address: str, port: int = 0) -> Checklist:
    """The checklist with this host in the place of the one that its steps make (`port` 0: as it says).

    Steps that ask something else than the host are left out, and those that name what only such a step can tell.
    """
    if checklist.host is None:
        return checklist
    host = replace(checklist.host, address=address, instance="", port=port or checklist.host.port)
    makes = checklist.host.address
    named = {item: address for item in ([makes] if isinstance(makes, Unresolved) else [])}

    def known(item: Any) -> Any:
        return named.get(item, item) if isinstance(item, Unresolved) else item

    filled = [replace(step, with_=fill(step.with_, known)) for step in checklist.steps]
    asked = {step.id for step in filled if not step.left_out and resource_class(step.resource).uses == {"host"}}
    while lost := {step.id for step in filled if step.id in asked and _names(step) - asked}:
        asked -= lost
    steps = tuple(step if step.id in asked or step.left_out else replace(step, left_out=ELSEWHERE) for step in filled)
    return replace(checklist, host=host, steps=steps)


def _names(step: Step) -> set[str]:
    return {item.step for item in unresolved(step.with_)}
