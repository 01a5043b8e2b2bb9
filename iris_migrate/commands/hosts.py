"""One checklist on one host or on several side by side: a session each, and what cannot be opened told as unknown."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace

from iris_migrate.arguments import options
from iris_migrate.auto import AutoOperator
from iris_migrate.commands.logs import seconds_ago
from iris_migrate.commands.reaching import place_of
from iris_migrate.commands.session import say
from iris_migrate.commands.verify import chosen
from iris_migrate.connections.host.ahead import Ahead
from iris_migrate.engine.events import Status
from iris_migrate.engine.options import Options
from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.engine.session import Session
from iris_migrate.engine.standing_host import on_host
from iris_migrate.engine.verification import Verification, reference
from iris_migrate.exits import UsageError, connection_missing
from iris_migrate.language.checklist import Checklist
from iris_migrate.language.load import load
from iris_migrate.target import Unreadable

CLOSING = 5.0  # seconds for the connections' end
ADDRESS, PORT, INSTANCE = "host.address", "ssh.port", "host.instance"


@dataclass
class Looked:
    """One host's session with what is asked of it; `refused` says why there is none."""

    session: Session
    verification: Verification
    only: list[str] | None
    refused: Unreadable | None = None

    async def look(self, *, within: float, changed: bool = False) -> CheckResult:
        if self.refused is not None:
            return self._untold(self.refused)
        return await self.verification.look(self.only, within=within, changed=changed)

    def _untold(self, why: Unreadable) -> CheckResult:
        checklist, now = self.session.checklist, self.session.clock.now()
        steps = tuple(
            StepResult(
                step.id, step.phase, step.title, Status.LEFT_OUT if step.left_out else Status.UNKNOWN,
                step.left_out or str(why), (), 0.0, step.critical, connection_missing(why),
            )
            for step in checklist.steps
        )  # fmt: skip
        phases = {phase.id: phase.title for phase in checklist.phases}
        host = self.session.options.host
        told = CheckResult(checklist.name, checklist.title, checklist.digest, now, steps, phases, host=host)
        return told if self.only is None else told.only(self.only)


class Looker(AutoOperator):
    """Nobody to ask; host keys that the command line vouches for are trusted, others refused."""

    vouched: Sequence[str] = ()

    async def trust_host_key(self, address: str, fingerprint: str) -> bool:
        if fingerprint in self.vouched:
            return True
        say(f"{address} shows the unknown host key {fingerprint}. If it is the right one: --host-key {fingerprint}")
        return False


async def opened_hosts(args: argparse.Namespace, stack: AsyncExitStack, ahead: Mapping[str, Ahead]) -> list[Looked]:
    """A session for each `--host`, or the one of the settings. Raises what keeps a single one from being opened.

    `ahead`: connections on their way, by the names of the hosts.
    """
    given = options(args)
    if not args.host:
        return [await _opened(given, args, stack, ahead.get(""), alone=True)]
    known = load(given.checklist, flags=given.flags, settings_file=given.settings_file())
    if known.host is None:
        raise UsageError(f"--host {args.host[0]}: {known.name} asks no host.")
    if ADDRESS not in known.settings:
        found = [replace(given, host=name) for name in dict.fromkeys(args.host)]
        made = [on_host(known, *place_of(one.host)) for one in found]
        return list(
            await asyncio.gather(
                *(
                    _opened(one, args, stack, ahead.get(one.host), alone=False, made=there)
                    for one, there in zip(found, made, strict=True)
                )
            )
        )
    found = [
        replace(given, host=name, flags={**given.flags, **_place(name, known.settings)})
        for name in dict.fromkeys(args.host)
    ]
    return list(await asyncio.gather(*(_opened(one, args, stack, ahead.get(one.host), alone=False) for one in found)))


async def looked_at(hosts: Sequence[Looked], *, within: float, changed: bool = False) -> list[CheckResult]:
    """Every host at the same time."""
    return list(await asyncio.gather(*(host.look(within=within, changed=changed) for host in hosts)))


async def _opened(
    given: Options,
    args: argparse.Namespace,
    stack: AsyncExitStack,
    ahead: Ahead | None,
    *,
    alone: bool,
    made: Checklist | None = None,
) -> Looked:
    operator = Looker(say=say)
    operator.vouched = args.host_key
    session = Session(given, operator, checklist=made, ahead=ahead)
    only = chosen(session, args.only)
    try:
        await session.open()
    except Unreadable as refused:
        if alone:
            raise
        return Looked(session, Verification(session), only, refused)
    stack.push_async_callback(_closed, session)
    when = args.since if args.since in (None, "last", "run") else session.clock.now() - seconds_ago(args.since)
    since = reference(session, when)
    if args.since and since is None:
        say(f"--since {args.since}: there was none yet; everything known is compared with.")
    return Looked(session, Verification(session, since), only)


async def _closed(session: Session) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSING):
            await session.close()


def _place(name: str, known: Collection[str]) -> dict[str, str]:
    """The settings that `ADDRESS[:PORT]` stands for."""
    address, port = place_of(name)
    found = {ADDRESS: address, INSTANCE: "", **({PORT: str(port)} if port else {})}
    return {setting: value for setting, value in found.items() if setting in known}
