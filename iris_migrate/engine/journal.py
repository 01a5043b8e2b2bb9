"""The lines that the host's journal got while a step ran: what explains its failure."""

from __future__ import annotations

from iris_migrate.engine.record import Record
from iris_migrate.engine.secrets import Secrets
from iris_migrate.engine.target import LiveTarget
from iris_migrate.language.checklist import Step
from iris_migrate.target import Unreadable

KEPT = 200  # lines of a slice, the newest


class JournalSlice:
    """Marks where a step begins on the host's own clock, and reads what its units wrote since."""

    def __init__(self, target: LiveTarget, record: Record, secrets: Secrets) -> None:
        self._target, self._record, self._secrets = target, record, secrets

    async def mark(self, step: Step) -> float | None:
        """The host's wall clock now; None when the step has no units or the host cannot be asked."""
        if not step.journal:
            return None
        try:
            return (await self._target.host.clock()).wall
        except Unreadable:
            return None

    async def since(self, step: Step, mark: float | None) -> tuple[str, ...]:
        """The units' lines since the mark, kept in the record too. Never raises: a failure has enough to tell."""
        if mark is None:
            return ()
        lines: list[str] = []
        try:
            connection = await self._target.connection()
            for unit in step.journal:
                found = [
                    self._secrets.hide(line.text) for line in await connection.journal(unit, since=mark, limit=KEPT)
                ]
                self._record.add_journal(self._target.clock.now(), None, step.id, unit, found)
                lines += found
        except Unreadable as error:
            lines.append(f"(the journal could not be read: {error})")
        return tuple(lines[-KEPT:])
