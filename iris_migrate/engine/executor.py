"""The one executor: fills a Change, records its intent, sends it, records the result; the only writer to the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from iris_migrate.changes import Change, HostCommand, HostScript, OperatorAsk
from iris_migrate.encoding import canonical, change_id
from iris_migrate.engine.carriers import Carriers, Failed
from iris_migrate.engine.events import ChangeCarriedOut, ChangeEnded, ChangeIntended, Listener, Output
from iris_migrate.engine.record import Intent, Record, Result
from iris_migrate.engine.secrets import Secrets
from iris_migrate.exits import connection_missing
from iris_migrate.findings import Finding
from iris_migrate.target import Clock, Unreadable
from iris_migrate.values import AnswerRef, Archived, Kept, Secret, StepKey, Unresolved, fill, specials, unresolved


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a list of changes, with the lines they wrote. `failed` is the Change that ended it."""

    sent: tuple[Change, ...]
    failed: Change | None = None
    error: str = ""
    lines: tuple[str, ...] = ()
    missing: bool = False  # a connection or a permission is missing, so that sending it again would not help


class Defect(Exception):
    """The program itself is wrong: a Change that must not be sent."""


class Executor:
    """Carries out lists of changes, one change at a time, each recorded before and after."""

    def __init__(
        self,
        *,
        record: Record,
        carriers: Carriers,
        secrets: Secrets,
        clock: Clock,
        emit: Listener,
        archived: Callable[[Archived], Any] | None = None,
    ) -> None:
        self._record, self._carriers, self._secrets = record, carriers, secrets
        self._clock, self._emit, self._archived = clock, emit, archived

    async def execute(
        self,
        run: int | None,
        key: StepKey,
        changes: Sequence[Change],
        before: Finding,
        already: Mapping[str, Result] | None = None,
    ) -> Outcome:
        """Send changes in order; stop at the first that fails. Raises SecretMissing before anything is sent.

        `already`: what a run that was cut off had carried out of this list, by canonical Change; the list goes on
        behind it, with its answers.
        """
        for change in changes:
            if waits := unresolved(change):
                raise Defect(f"{change.says}: {waits[0]} is not known; it must not be sent")
            self._need_secrets(change)
        answers: dict[str, Any] = {}
        sent: list[Change] = []
        lines: list[str] = []
        done = _begun(changes, already or {})
        for result in done:
            answers.update(result.answers)
        for change in changes[len(done) :]:
            result = await self._send(run, key, change, before, answers)
            sent.append(change)
            if result.state == "failed":
                return Outcome(tuple(sent), change, result.error, result.lines, result.missing)
            answers.update(result.answers)
            lines += result.lines
        return Outcome(tuple(sent), lines=self._hidden(lines[-200:]))

    async def settle(self, intent: Intent) -> Result:
        """Find out what became of a Change that has an intent and no result; it is not sent again here."""
        emit = self._output(intent.step, intent.change_id)
        try:
            result = await self._carriers.settle(intent, self._known({}), emit)
        except Failed as failed:
            result = self._failed(failed)
        return self._end(intent.step, intent.change_id, result)

    async def _send(
        self, run: int | None, key: StepKey, change: Change, before: Finding, answers: Mapping[str, Any]
    ) -> Result:
        known = self._known(answers)
        identity = change_id(key, self._record.results(key), change)
        self._record.intend(self._clock.now(), run, identity, key, change, before)
        self._emit(ChangeIntended(self._clock.now(), key.step, identity, change))
        try:
            filled = _filled(change, known)
            result = await self._carriers.carry(filled, change, identity, self._output(key.step, identity))
        except Failed as failed:
            result = self._failed(failed)
        except Unreadable as error:  # an archive that cannot be read
            result = Result("failed", {}, error=self._secrets.hide(str(error)))
        self._emit(ChangeCarriedOut(self._clock.now(), key.step, identity))
        return self._end(key.step, identity, result)

    def _failed(self, failed: Failed) -> Result:
        lines, missing = self._hidden(failed.lines), connection_missing(failed.__cause__)
        return Result("failed", {}, error=self._secrets.hide(str(failed)), lines=lines, missing=missing)

    def _end(self, step: str, identity: str, result: Result) -> Result:
        kept = replace(result, lines=self._hidden(result.lines[-200:]))
        self._record.end(self._clock.now(), identity, kept)
        self._emit(ChangeEnded(self._clock.now(), step, identity, result.state, result.error))
        return result

    def _output(self, step: str, identity: str) -> Callable[[Sequence[str]], None]:
        def emit(lines: Sequence[str]) -> None:
            self._emit(Output(self._clock.now(), step, identity, self._hidden(lines)))

        return emit

    def _hidden(self, lines: Sequence[str]) -> tuple[str, ...]:
        return tuple(self._secrets.hide(line) for line in lines)

    def _need_secrets(self, change: Change) -> None:
        for item in specials(change):
            if isinstance(item, Secret):
                self._secrets.fill(item)

    def _known(self, answers: Mapping[str, Any]) -> Callable[[Any], Any]:
        def known(item: Any) -> Any:
            match item:
                case Secret(name=name):
                    return item.pick(self._secrets.value(name))
                case AnswerRef(answer=answer, template=template):
                    if answer not in answers:
                        raise Defect(f"no earlier change of the list answered {answer!r}")
                    value = answers[answer]
                    return value if template == "{}" else template.replace("{}", str(value))
                case Unresolved():
                    raise Defect(f"{item} is not known")
                case Archived():
                    if self._archived is None:
                        raise Defect(f"{item}: there is no archive to read it from")
                    return self._archived(item)
                case Kept():
                    return item  # the carrier puts it back where it lies
            return item

        return known


def _begun(changes: Sequence[Change], already: Mapping[str, Result]) -> list[Result]:
    """The results of the first changes of a list, as far as they were carried out; never of all of them."""
    found: list[Result] = []
    for change in changes[:-1]:
        if (result := already.get(canonical(change))) is None:
            break
        found.append(result)
    return found


def _filled(change: Change, known: Callable[[Any], Any]) -> Change:
    """The Change with its specials replaced. What is shown (`says`, `was`) stays as it is."""
    names = [field.name for field in fields(change) if field.name not in ("says", "was")]
    return replace(change, **{name: fill(getattr(change, name), known) for name in names})


def is_job(change: Change) -> bool:
    """Whether it runs on the host as a job that outlives us."""
    return isinstance(change, HostCommand | HostScript)


def asks_operator(changes: Sequence[Change]) -> bool:
    return any(isinstance(change, OperatorAsk) for change in changes)
