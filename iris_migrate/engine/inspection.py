"""One look at everything: steps are inspected side by side as soon as the outputs that they name are there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from iris_migrate.changes import Change
from iris_migrate.engine.events import Listener, StepInspected
from iris_migrate.engine.secrets import SecretMissing
from iris_migrate.engine.target import LiveTarget
from iris_migrate.findings import Finding, Verdict, unknown
from iris_migrate.language.checklist import Checklist, Step
from iris_migrate.resources.base import Resource, resource_class
from iris_migrate.target import Unreadable
from iris_migrate.values import StepKey, Unresolved, fill, unresolved

LIMIT = 60.0  # seconds for one step's looking


class SecretNotHere(Unreadable):
    """A step compares with a secret that has no value here; the others are told all the same."""

    def __init__(self, missing: SecretMissing) -> None:
        super().__init__(str(missing))
        self.name = missing.name


@dataclass(frozen=True, slots=True)
class Inspected:
    """A step with what was found. `resource` is built from what is known now; it may still hold unresolved outputs."""

    step: Step
    resource: Resource
    finding: Finding
    seconds: float = 0.0
    at: float = 0.0
    error: Unreadable | None = None  # what kept it from being read

    def plan(self) -> tuple[Change, ...]:
        """What would make it hold; empty when it holds, or when nothing can be planned yet."""
        return tuple(self.resource.plan(self.finding)) if self.finding.verdict.plans else ()

    def preview(self) -> tuple[Change, ...]:
        """The plan as far as it is known: for a step that waits, what a bare `absent` would plan."""
        if self.finding.verdict is Verdict.UNKNOWN and self.finding.waits_for:
            return tuple(self.resource.plan(Finding(Verdict.ABSENT)))
        return self.plan()


@dataclass
class Inspection:
    """Inspects steps of one checklist. What was found is kept until it is looked at again."""

    checklist: Checklist
    target: LiveTarget
    key: Callable[[str], StepKey]
    emit: Listener
    hide: Callable[[str], str]
    found: dict[str, Inspected] = field(default_factory=dict)

    async def look(
        self, steps: Collection[str] | None = None, *, within: float | None = None
    ) -> Mapping[str, Inspected]:
        """Inspect these steps (default: all) afresh; the others' outputs stay as they were found last.

        `within` is the time in seconds for all of it: what is not told then is unknown.
        """
        wanted = [step for step in self.checklist.steps if steps is None or step.id in steps]
        self.target.forget()
        loop = asyncio.get_running_loop()
        pending = {step.id: loop.create_future() for step in wanted}
        tasks = [asyncio.create_task(self._look_at(step, pending)) for step in wanted]
        try:
            async with asyncio.timeout(within):
                await asyncio.gather(*tasks)
        except TimeoutError:
            for step, task in zip(wanted, tasks, strict=True):
                if not task.done() or task.cancelled():
                    self._too_late(step, within or 0.0)
        finally:
            for task in tasks:
                task.cancel()
        return self.found

    def _too_late(self, step: Step, limit: float) -> None:
        """What was not told in the time of the whole look is unknown, whatever was found before."""
        now = self.target.clock.now()
        resource = resource_class(step.resource)(**fill(step.with_, self.known), key=self.key(step.id), now=now)
        finding = unknown(step.left_out or f"not told within the {limit:.0f} s that the whole look may take")
        self.found[step.id] = Inspected(step, resource, finding, limit, now)
        self.emit(StepInspected(now, step.id, finding, limit))

    async def _look_at(self, step: Step, pending: Mapping[str, asyncio.Future[None]]) -> None:
        try:
            inspected = await self._inspected(step, pending)
            self.found[step.id] = inspected
            self.emit(StepInspected(inspected.at, step.id, inspected.finding, inspected.seconds))
        finally:
            if not pending[step.id].done():
                pending[step.id].set_result(None)

    async def _inspected(self, step: Step, pending: Mapping[str, asyncio.Future[None]]) -> Inspected:
        now = self.target.clock.now()
        of_host = self._host_of(step)
        names = [*unresolved(step.with_), *of_host]
        for name in names:
            if name.step in pending:
                await pending[name.step]
        with_ = fill(step.with_, self.known)
        resource = resource_class(step.resource)(**with_, key=self.key(step.id), now=now)
        if step.left_out:
            return Inspected(step, resource, unknown(step.left_out), at=now)
        for name in names:
            if isinstance(self.known(name), Unresolved):
                return Inspected(step, resource, unknown(f"until {name.step}", waits_for=name.step), at=now)
        if of_host and (host := self.checklist.host) is not None:
            self.target.locate(*fill((host.address, host.instance), self.known))
        started = time.monotonic()
        finding, error = await self._find(resource)
        took = time.monotonic() - started
        return Inspected(step, resource, self._hidden(finding), took, self.target.clock.now(), error)

    async def _find(self, resource: Resource) -> tuple[Finding, Unreadable | None]:
        try:
            async with asyncio.timeout(LIMIT):
                return await resource.inspect(self.target), None
        except Unreadable as error:
            return unknown(str(error)), error
        except SecretMissing as missing:
            return unknown(str(missing)), SecretNotHere(missing)
        except TimeoutError:
            return unknown(f"no answer in {LIMIT:.0f} s"), None

    def _hidden(self, finding: Finding) -> Finding:
        """Evidence is for people: a secret that the world showed does not go on from here."""
        evidence = tuple(
            replace(item, asked=self.hide(item.asked), expected=self.hide(item.expected), seen=self.hide(item.seen))
            for item in finding.evidence
        )
        return replace(finding, evidence=evidence, reason=self.hide(finding.reason))

    def known(self, item: Any) -> Any:
        """An output from the newest finding, or the Unresolved itself."""
        if not isinstance(item, Unresolved):
            return item
        found = self.found.get(item.step)
        if found is None or found.finding.outputs.get(item.name) in (None, ""):
            return item
        return found.finding.outputs[item.name]

    async def locate(self, steps: Collection[str] = ()) -> None:
        """Look at these steps and at those that know where the host is, so that it can be asked."""
        if wanted := self.with_named(steps):
            await self.look(wanted)
        if (host := self.checklist.host) is not None:
            self.target.locate(*fill((host.address, host.instance), self.known))

    def with_named(self, only: Collection[str]) -> set[str]:
        """These steps and all whose outputs they name, the host's address among them."""
        host = self.checklist.host
        wanted = {*only, *(item.step for item in unresolved((host.address, host.instance) if host else ()))}
        while True:
            steps = [step for step in self.checklist.steps if step.id in wanted]
            more = {item.step for step in steps for item in unresolved(step.with_)} - wanted
            if not more:
                return wanted
            wanted |= more

    def dependents(self, step_id: str) -> set[str]:
        """The steps that name this one or need it, directly or not; a host step names the host's address."""
        found = {step_id}
        while True:
            more = {step.id for step in self.checklist.steps if step.id not in found and found & self._named(step)}
            if not more:
                return found
            found |= more

    def _named(self, step: Step) -> set[str]:
        return {*step.waits_for, *(item.step for item in self._host_of(step))}

    def _host_of(self, step: Step) -> tuple[Unresolved, ...]:
        """What a step waits for because it asks the host."""
        host = self.checklist.host
        if host is None or "host" not in resource_class(step.resource).uses:
            return ()
        return unresolved((host.address, host.instance))
