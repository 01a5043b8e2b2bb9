"""The person at a decommission: what the typed phrase agreed to is not asked about again, as long as it is still so."""

from __future__ import annotations

from collections.abc import Sequence

from iris_migrate.changes import Change
from iris_migrate.engine.consent import Choice, Decision
from iris_migrate.engine.decommission import Agreed
from iris_migrate.findings import Finding
from iris_migrate.language.checklist import Step
from iris_migrate.tui.operator import ScreenOperator


class AgreedOperator(ScreenOperator):
    """`agreed` is what the phrase was typed for; `stopped` says why it ended before all of that was done."""

    agreed: Agreed | None = None
    halted = False  # somebody asked it to stop
    stopped = ""

    def forget(self) -> None:
        super().forget()
        self.agreed, self.halted = None, False

    async def consent(self, step: Step, finding: Finding, changes: Sequence[Change], again: str) -> Decision:
        if self.halted:
            self.stopped = f"Stopped before this: {step.title}"
            return Decision(Choice.STOP)
        if self.agreed is not None and step.risk == "destroys" and (why := await self.agreed.hindrance()):
            self.stopped = f"{step.title}: not deleted: {why}"
            return Decision(Choice.STOP)
        if self.agreed is None or again:
            return await super().consent(step, finding, changes, again)
        return Decision(Choice.APPLY)
