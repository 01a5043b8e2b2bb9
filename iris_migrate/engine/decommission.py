"""The decommission as one list: what would go, which gates are open, the phrase that agrees to exactly this."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from iris_migrate.encoding import canonical
from iris_migrate.engine.elsewhere import bound
from iris_migrate.engine.events import Status
from iris_migrate.engine.inspection import Inspected
from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.engine.session import Session
from iris_migrate.exits import OK, WAITING, WRONG
from iris_migrate.resources.removal import Removal
from iris_migrate.values import Unresolved, digest

CHECKLIST = "decommission-lambda"
# What no restore brings back, by the step that takes it.
LOST: Mapping[str, str] = {
    "functions": "the numbers of versions (they begin at 1 again; aliases follow), the address of a function URL",
    "authorizer-functions": "the number of the authorizer function's versions",
    "images": "when an image was pushed and what scanning it found; manifests, layers and digests come back",
    "routes": "the ids of routes; what they say comes back, under the same URL",
    "stages": "what was deployed at a stage of a REST API, where it is not what its methods are now; its cache",
    "usage-plans": "limits of a usage plan for single methods, and what was used of its quota",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One thing that would go. `state`: pending | gone | failed, while it goes removing | waiting; `why` it does."""

    step: str
    name: str
    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything a person sees before agreeing."""

    where: str
    items: tuple[Listed, ...]
    gates: tuple[StepResult, ...]
    others: tuple[StepResult, ...]
    kept: tuple[str, ...]
    archive: str
    digest: str
    result: CheckResult
    opens: Mapping[str, str] = field(default_factory=dict)  # of each closed gate: when it opens
    elsewhere: tuple[str, ...] = ()  # what would be lost in another account besides

    @property
    def phrase(self) -> str:
        """Bound to account, region and list: another list has another."""
        return f"decommission {self.where} {self.digest}"

    @property
    def closed(self) -> tuple[StepResult, ...]:
        return tuple(gate for gate in self.gates if not gate.status.settled)

    def hindrance(self, gate: StepResult) -> str:
        """Why a gate is closed, and when it opens."""
        parts = [gate.detail or gate.status.value]
        if "opens" not in gate.detail:
            parts.append(self.opens.get(gate.id, ""))
        return "; ".join(part for part in parts if part)

    @property
    def pending(self) -> tuple[Listed, ...]:
        return tuple(item for item in self.items if item.state != "gone")

    @property
    def lost(self) -> tuple[str, ...]:
        """What of this list no restore brings back."""
        here = tuple(says for step, says in LOST.items() if any(item.step == step for item in self.items))
        return here + self.elsewhere

    @property
    def exit_code(self) -> int:
        """0 all is gone · 4 time or the operator is waited for · 1 a gate is closed or something failed."""
        if self.result.exit_code == OK:
            return OK
        if any(item.state == "failed" for item in self.items):
            return WRONG
        waits = all(gate.status is Status.CONVERGING for gate in self.closed)
        return WAITING if waits else WRONG


def listing(session: Session, result: CheckResult) -> Listing:
    """The list from what was looked at."""
    found = session.inspection.found
    items: list[Listed] = []
    lists: list[str] = []
    kept: list[str] = []
    steps = {step.id: step for step in result.steps}
    for step in session.checklist.steps:
        inspected = found[step.id]
        if not isinstance(inspected.resource, Removal):
            continue
        if step.left_out:
            kept.append(f"{_thing(step.title)}: {step.left_out}")
            continue
        listed = inspected.resource.listed()
        if not isinstance(listed, Unresolved):
            lists.append(digest(step.id, *(canonical(item) for item in listed)))
        items += _items(step.id, inspected, steps[step.id])
    kept += _kept(found)
    gates = tuple(step for step in result.steps if step.phase == result.steps[0].phase)
    removing = {item.step for item in items}
    others = tuple(step for step in result.steps if step not in gates and step.id not in removing)
    archive = str(session.setting("archive.folder", ""))
    opens = {gate.id: _opens(gate, found[gate.id], result.at) for gate in gates if not gate.status.settled}
    return Listing(
        session.where, tuple(items), gates, others, tuple(kept), archive, digest(*lists)[:8], result, opens,
        _elsewhere(found),
    )  # fmt: skip


def _items(step: str, inspected: Inspected, result: StepResult) -> list[Listed]:
    assert isinstance(inspected.resource, Removal)
    failed = result.status is Status.FAILED
    return [
        Listed(step, item.name, "failed" if failed and item.there else "pending" if item.there else "gone",
               result.detail if failed and item.there else "")
        for item in inspected.resource.items(inspected.finding)
    ]  # fmt: skip


def _opens(gate: StepResult, found: Inspected, now: float) -> str:
    """When a closed gate opens at the earliest; what has to be so before, where no time says it."""
    until = found.finding.until
    if until is not None and until > now:
        return f"opens {time.strftime('%a %Y-%m-%d %H:%M UTC', time.gmtime(until))} at the earliest"
    return "opens as soon as it is so"


def _thing(title: str) -> str:
    return title.removeprefix("The ").removesuffix(" are gone").removesuffix(" is gone")


def _kept(found: Mapping[str, Inspected]) -> list[str]:
    """What stays by design."""
    outputs = found["inventory"].finding.outputs if "inventory" in found else {}
    kept = [
        f"{api['kind']} API {api['id']} ({api['endpoint']}): the object stays, and with it the URL"
        for api in outputs.get("apis", ())
    ]
    kept += [f"repository {item['id']}: empty it costs nothing" for item in outputs.get("repositories", ())]
    functions = [*outputs.get("functions", ()), *outputs.get("guards", ())]
    kept += [f"log group {item['log_group']}: history cannot be brought back" for item in functions]
    roles = dict.fromkeys(str(item["role"]).rpartition("/")[2] for item in functions)
    return kept + [f"role {role}" for role in roles]


def _elsewhere(found: Mapping[str, Inspected]) -> tuple[str, ...]:
    """What `restore --into` another account could not bring back of what is archived."""
    outputs = found["inventory"].finding.outputs if "inventory" in found else {}
    if "apis" not in outputs:
        return ()
    if hindrances := "; ".join(bound(outputs)):
        return (f"in another account (restore --into) nothing of it: {hindrances}",)
    return (
        "in another account (restore --into): the ids of APIs and with them their URLs, custom domains, the role's id,"
        " what was logged and counted; and variables of functions go on naming the old account, where they do",
    )


@dataclass
class Agreed:
    """Says whether what was agreed to is still what would be done: asked before each thing that destroys."""

    session: Session
    phrase: str
    gates: Sequence[str] = field(default=("inventory", "alone", "archive", "soaked", "idle"))

    async def hindrance(self) -> str:
        """Why not to go on; empty when the list and the gates are as they were agreed to."""
        session = self.session
        await session.inspection.look([name for name in self.gates if session.checklist.step(name).left_out == ""])
        result = session.result()
        now = listing(session, result)
        if now.phrase != self.phrase:
            return (
                f"the list is another one than was agreed to; look at it again. It is now agreed to with: {now.phrase}"
            )
        for step in result.steps:
            if step.id in self.gates and not step.status.settled:
                return f"{step.id}: {step.detail or step.status.value}"
        return ""
