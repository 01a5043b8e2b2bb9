"""How each kind of Change reaches the world, and how an interrupted one is found out about."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from iris_migrate.changes import (
    AwsCall,
    Change,
    HostCommand,
    HostFile,
    HostScript,
    HttpCall,
    LocalCommand,
    LocalEdit,
    LocalKey,
    OperatorAsk,
    Save,
)
from iris_migrate.engine.record import Intent, Record, Result
from iris_migrate.target import AwsError, Clock, Unreadable
from iris_migrate.values import Kept, fill

if TYPE_CHECKING:
    from iris_migrate.connections.aws import AwsConnection
    from iris_migrate.connections.host.connection import HostConnection
    from iris_migrate.connections.workstation import Workstation

Lines = Callable[[Sequence[str]], None]
Known = Callable[[Any], Any]

_EVENTUALLY = 120.0  # seconds for which eventual consistency explains `retry_on` codes (IAM: up to 2 minutes)


class Failed(Exception):
    """The world refused a Change. `lines` are what it said."""

    def __init__(self, message: str, lines: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.lines = tuple(lines)


class OperatorAnswers(Protocol):
    """Who answers an OperatorAsk: a frontend, or an answers file. None: nobody does now."""

    async def __call__(self, step: str, ask: OperatorAsk) -> tuple[str, str] | None: ...


class Carriers:
    """Sends filled changes. The unfilled one comes along, for what may be recorded."""

    def __init__(
        self,
        *,
        aws: AwsConnection,
        workstation: Workstation,
        host: Callable[[], Awaitable[HostConnection]],
        record: Record,
        clock: Clock,
        archive: Callable[[Save, HostConnection | None], Awaitable[dict[str, Any]]],
    ) -> None:
        self._aws, self._workstation, self._host = aws, workstation, host
        self._record, self._clock, self._archive = record, clock, archive

    async def carry(self, change: Change, unfilled: Change, identity: str, lines: Lines) -> Result:
        """Send one filled Change. Raises Failed when the world refuses it."""
        try:
            match change:
                case AwsCall():
                    return await self._call(change)
                case HostCommand() | HostScript():
                    return await self._job(change, identity, lines)
                case HostFile():
                    return await self._file(change, identity)
                case LocalKey():
                    return Result("done", await self._workstation.make_key(change.path, change.comment))
                case LocalEdit():
                    await self._workstation.edit(change)
                    return Result("done", {})
                case LocalCommand():
                    return await self._local(change, lines)
                case HttpCall():
                    return Result("done", await self._workstation.http(change))
                case Save():
                    needs_host = "host" in change.source
                    return Result("done", await self._archive(change, await self._host() if needs_host else None))
        except Unreadable as error:
            raise Failed(str(error)) from error
        raise Failed(f"{change.says}: nobody carries out a {type(change).__name__}")

    async def settle(self, intent: Intent, known: Known, lines: Lines) -> Result:
        """What became of a Change whose result is not known. States: done, found, interrupted, not sent."""
        match intent.change:
            case HostCommand() | HostScript():
                return await self._settle_job(intent, known, lines)
            case AwsCall(find=find) if find is not None:
                return await self._find(intent.change, known)
        return Result("interrupted", {}, error="the program ended while this was sent; looking again decides")

    # AWS

    async def _call(self, change: AwsCall) -> Result:
        import jmespath

        from iris_migrate.connections.aws_errors import AnswerLost

        until = self._clock.now() + _EVENTUALLY
        while True:
            try:
                answer = await self._aws.call(change.service, change.operation, dict(change.params))
                break
            except AnswerLost as error:
                return await self._look_for(change, error)
            except AwsError as error:
                if error.code in change.gone_ok:
                    if change.find is not None:  # somebody's; ours, when an earlier call of ours was carried out
                        return await self._look_for(change, error)
                    return Result("already so", {}, error=str(error))
                if error.code not in change.retry_on or self._clock.now() > until:
                    raise
            await self._clock.sleep(2.0)
        if change.fails_if and (failure := jmespath.search(change.fails_if, answer)):
            raise Failed(f"{change.action}: {json.dumps(failure, default=str)}")
        found = {name: jmespath.search(path, answer) for name, path in change.answers.items()}
        if change.keep:
            found["kept"] = jmespath.search(change.keep, answer)
        return Result("done", found)

    async def _look_for(self, change: AwsCall, lost: AwsError) -> Result:
        """A call that makes a thing was sent and not answered: it is looked for, never sent twice."""
        if change.find is None:
            raise lost
        result = await self._find(change, lambda special: special)
        if result.state != "found":
            raise Failed(f"{change.says}: {lost}; {result.error}") from lost
        return result

    async def _find(self, change: AwsCall, known: Known) -> Result:
        """Ask for a while whether the lost call was carried out: reads may lag behind writes."""
        import jmespath

        assert change.find is not None
        params = dict(fill(change.find.params, known))
        until = self._clock.now() + change.find.wait
        while True:
            self._aws.forget()
            answer = await self._aws.read(change.service, change.find.operation, **params)
            if jmespath.search(change.find.expression, answer):
                found = {name: jmespath.search(path, answer) for name, path in change.find.answers.items()}
                return Result("found", found, error="carried out although its answer was lost")
            if self._clock.now() >= until:
                return Result("not sent", {}, error=f"not seen in {change.find.wait:.0f} s: it was not carried out")
            await self._clock.sleep(2.0)

    # The host

    async def _job(self, change: HostCommand | HostScript, identity: str, lines: Lines) -> Result:
        from iris_migrate.connections.host.job import Job

        connection = await self._host()
        ended = await connection.run(Job.of(change, identity), lines)
        tail = tuple(ended.lines_tail)
        if ended.state != "ended":
            raise Failed(f"{change.says}: {_JOB_ENDS.get(ended.state, ended.state)}", tail)
        if ended.status not in change.ok:
            raise Failed(f"{change.says}: ended with status {ended.status}", tail)
        return Result("done", _answers(change, tail), lines=tail)

    async def _settle_job(self, intent: Intent, known: Known, lines: Lines) -> Result:
        """Attach to the job when it was started; a job that never began has no folder on the host."""
        from dataclasses import replace

        connection = await self._host()
        if not await connection.has_job(intent.change_id):
            return Result("not sent", {}, error="the program ended before it was started")
        change = intent.change
        assert isinstance(change, HostCommand | HostScript)
        return await self._job(replace(change, env={}), intent.change_id, lines)

    async def _file(self, change: HostFile, identity: str) -> Result:
        connection = await self._host()
        ownership: dict[str, Any] = {"mode": change.mode, "owner": change.owner, "group": change.group}
        if isinstance(change.content, Kept):
            await connection.restore_kept(change.content.change, change.path, root=change.root, **ownership)
            return Result("done", {})
        written = await connection.write_file(
            change.path, str(change.content).encode(), root=change.root, change=identity,
            keep=change.secret or change.was is None, **ownership,
        )  # fmt: skip
        return Result("done", {}, kept="host" if written.kept else "")

    # The workstation

    async def _local(self, change: LocalCommand, lines: Lines) -> Result:
        tail: list[str] = []

        def heard(batch: Sequence[str]) -> None:
            tail.extend(batch)
            del tail[:-200]
            lines(batch)

        status = await self._workstation.run_change(change, heard)
        if status not in change.ok:
            raise Failed(f"{change.says}: ended with status {status}", tail)
        return Result("done", {}, lines=tuple(tail))


_JOB_ENDS: Mapping[str, str] = {
    "interrupted": "the host went down before it ended; looking again decides",
    "cancelled": "it was cancelled",
    "timeout": "it took longer than its time limit and was ended",
}


def _answers(change: HostCommand | HostScript, tail: Sequence[str]) -> dict[str, Any]:
    """The answers of a job: JMESPath over its last line, which is one JSON object."""
    if not change.answers:
        return {}
    import jmespath

    try:
        said = json.loads(tail[-1])
    except (IndexError, ValueError) as error:
        raise Failed(f"{change.says}: its last line is not the JSON object that was expected", tail) from error
    return {name: jmespath.search(path, said) for name, path in change.answers.items()}
