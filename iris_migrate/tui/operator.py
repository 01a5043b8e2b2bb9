"""The person at the screens: what the engine asks is answered by what is on the panel, by keys, and by dialogs."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from textual.screen import ModalScreen

from iris_migrate.changes import Change, OperatorAsk
from iris_migrate.engine.consent import Choice, Decision, Failure, confirmation, inside
from iris_migrate.findings import Finding
from iris_migrate.language.checklist import Step
from iris_migrate.tui.telling import RISKS, Row, plan_rows


class Desk(Protocol):
    """The screen that shows failures and where the next step to look at is."""

    async def failed(self, failure: Failure) -> Decision: ...


class ScreenOperator:
    """Implements `engine.consent.Operator`. `ask` shows a dialog and waits for its answer."""

    patience = float("inf")  # a deed is waited for as long as the step allows

    def __init__(self, ask: Callable[[ModalScreen[Any]], Awaitable[Any]], where: str = "") -> None:
        self.where = where  # account and region, for phrases
        self.desk: Desk | None = None
        self.phase = ""  # to the end of this phase what is without risk was agreed to
        self._ask = ask
        self._one = asyncio.Lock()  # one dialog at a time
        self._agreed: dict[str, tuple[Change, ...]] = {}
        self._watching: set[str] = set()

    @property
    def asks(self) -> bool:
        """Whether a dialog waits for an answer."""
        return self._one.locked()

    # Plans

    def agree(self, step: str, changes: Sequence[Change]) -> None:
        """The operator applies the plan that the panel shows: exactly this is consented to, once."""
        self._agreed[step] = tuple(changes)

    def forget(self) -> None:
        """What was agreed to belongs to one key press."""
        self._agreed.clear()
        self._watching.clear()
        self.phase = ""

    async def consent(self, step: Step, finding: Finding, changes: Sequence[Change], again: str) -> Decision:
        agreed = self._agreed.pop(step.id, None)
        shown = not again and (
            (agreed is not None and inside(changes, agreed)) or (agreed is None and self.phase == step.phase)
        )
        if shown and step.risk == "none":
            return Decision(Choice.APPLY)
        from iris_migrate.tui.widgets.dialogs import ConfirmDialog

        title = f"Apply: {step.title}"
        rows = [Row("", " ".join(step.why.split())), Row("", "")] if step.why else []
        if again:
            rows.append(Row("", f"Shown again: {again}.", "warn"))
        if agreed is not None and not inside(changes, agreed):
            rows.append(Row("", "The plan is not the one that was shown. Now it is this.", "warn"))
        phrase = confirmation(self.where, changes) if step.risk == "destroys" else ""
        risk = "" if step.risk == "none" else RISKS[step.risk]
        rows += list(plan_rows(changes, full=True))
        agrees = await self._show(ConfirmDialog(title, rows, risk, phrase, agree="Apply"))
        return Decision(Choice.APPLY if agrees else Choice.SKIP)

    # What only a person can do

    async def answer(self, step: Step, ask: OperatorAsk) -> tuple[str, str] | Decision | None:
        if step.id in self._watching:
            return None
        from iris_migrate.tui.widgets.dialogs import QuestionDialog

        said = await self._show(QuestionDialog(step.title, str(ask.question), str(ask.instructions), ask.choices))
        if not said:
            return Decision(Choice.SKIP)
        if said == "watch":
            self._watching.add(step.id)
            return None
        return str(said)[1:], getpass.getuser()

    async def secret(self, name: str, where: str) -> str | None:
        from iris_migrate.tui.widgets.dialogs import SecretDialog

        value = await self._show(SecretDialog(name, where))
        return None if value is None else str(value)

    # When something is wrong

    async def failed(self, failure: Failure) -> Decision:
        return Decision(Choice.STOP) if self.desk is None else await self.desk.failed(failure)

    async def trust_host_key(self, address: str, fingerprint: str) -> bool:
        from iris_migrate.tui.widgets.dialogs import ConfirmDialog

        rows = [
            Row("", f"{address} shows a host key that nothing vouches for:"),
            Row("", fingerprint, "head"),
            Row("", "Compare it with the instance's console output. A wrong one may be somebody in between."),
        ]
        return bool(await self._show(ConfirmDialog("Is this the host?", rows, agree="It is the same")))

    async def take_over(self, holder: str, since: float) -> bool:
        from iris_migrate.tui.widgets.dialogs import ConfirmDialog

        begun = time.strftime("%Y-%m-%d %H:%M", time.localtime(since))
        body = f"{holder} has been working on this migration since {begun}.\nTwo at once get in each other's way."
        return bool(await self._show(ConfirmDialog("Take it over?", body, agree="Take over")))

    async def _show(self, dialog: ModalScreen[Any]) -> Any:
        async with self._one:
            return await self._ask(dialog)
