"""What an inspection asks about other things than the world: another checklist, and what this identity may do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from iris_migrate.engine.session import Session

if TYPE_CHECKING:
    from iris_migrate.connections.aws import Identity

KNOWN_FOR = 60.0  # seconds for which an answer is remembered


class OtherThings:
    """What an inspection asks about other checklists and about the identity; remembered for a minute."""

    def __init__(self, session: Session, identity: Identity | None) -> None:
        self._session, self._identity = session, identity
        self._known: dict[str, tuple[float, Any]] = {}
        self._asking = asyncio.Lock()

    async def checklist_holds(self, name: str) -> tuple[bool, str]:
        """Whether every step of another checklist holds, looked at now; with a sentence why not."""
        answer: tuple[bool, str] = await self._remembered(f"checklist {name}", lambda: self._look(name))
        return answer

    async def permitted(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        answer: tuple[tuple[str, ...], tuple[str, ...]] = await self._remembered("permissions", self._may)
        return answer

    async def _remembered(self, name: str, ask: Callable[[], Any]) -> Any:
        async with self._asking:
            at, answer = self._known.get(name, (float("-inf"), None))
            if self._session.clock.now() - at > KNOWN_FOR:
                answer = await ask()
                self._known[name] = (self._session.clock.now(), answer)
            return answer

    async def _look(self, name: str) -> tuple[bool, str]:
        session = self._session
        other = Session(replace(session.options, checklist=name), session.operator, clock=session.clock)
        await other.open()
        try:
            result = await other.inspect()
        finally:
            await other.close()
        open_ = [step for step in result.steps if not step.status.settled and step.critical]
        if not open_:
            return True, f"{len(result.steps)} steps"
        first = open_[0]
        return False, f"{len(open_)} of {len(result.steps)} steps do not hold, first {first.id}: {first.title}"

    async def _may(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        from iris_migrate.engine.access import access, needs

        if self._identity is None:
            return (), ()
        found = await access(self._session.aws, self._identity.arn, needs(self._session.checklist, discovery=False))
        denied = {name for part in found for name in part.denied}
        return tuple(sorted(denied)), tuple(sorted({name for part in found for name in part.unknown} - denied))
