"""Re-verification: one look at everything, beside what the record knows of earlier ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from iris_migrate.engine.history import held_before, with_history
from iris_migrate.engine.results import CheckResult
from iris_migrate.engine.session import Session
from iris_migrate.exits import WRONG

if TYPE_CHECKING:
    from iris_migrate.engine.diagnosis import Diagnosis


@dataclass
class Verification:
    """Looks as often as it is asked to. `since` (seconds since the epoch) is the time that it is compared with."""

    session: Session
    since: float | None = None
    _explained: frozenset[str] = field(default=frozenset(), init=False)
    _diagnosis: Diagnosis | None = field(default=None, init=False)

    async def look(
        self, only: Sequence[str] | None = None, *, within: float | None = None, changed: bool = False
    ) -> CheckResult:
        """A look at these steps (default: all), of which nothing but the record is written. See `Session.inspect`."""
        session = self.session
        held = held_before(session.checklist, session.record, session.told_as, self.since)
        began = time.monotonic()
        found = await session.inspect(only, within=within, changed=changed)
        found = found if only is None else found.only(only)
        took = time.monotonic() - began
        diagnosis = await self._why(found, None if within is None else max(0.1, within - took))
        told = with_history(found, session.checklist, session.record, held, diagnosis)
        return replace(told, host=session.options.host, seconds=took, compared=self._compared(), diagnosis=diagnosis)

    def _compared(self) -> str:
        return "" if self.since is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(self.since))

    async def _why(self, found: CheckResult, left: float | None) -> Diagnosis | None:
        """Why steps do not hold, asked again when others do than before; None where there is nothing to ask about."""
        steps = self.session.checklist.step
        open_ = frozenset(step.id for step in found.steps if not step.status.settled and steps(step.id).troubleshoot)
        if open_ != self._explained:
            self._explained, self._diagnosis = open_, None
            if open_ and found.exit_code == WRONG:
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        self._diagnosis = await self.session.diagnose()
        return self._diagnosis


def reference(session: Session, when: str | float | None) -> float | None:
    """The time that `--since` means: seconds since the epoch, `last` (the last look), or `run` (the last run's end).

    None when there was none.
    """
    if when == "last":
        return session.record.last_look(session.told_as)
    if when == "run":
        return session.record.last_run_end(session.checklist.name)
    return None if when is None else float(when)
