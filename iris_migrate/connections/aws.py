"""AWS: reads remembered within one inspection, changing calls sent one at a time by the executor."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from iris_migrate.connections.aws_errors import (
    THROTTLED,
    AnswerLost,
    AwsUnavailable,
    cannot_open,
    refusal,
    worth_another_try,
)
from iris_migrate.connections.limiter import Limiter
from iris_migrate.connections.threads import Threads
from iris_migrate.redact import clean
from iris_migrate.target import AwsError, Clock
from iris_migrate.values import SPECIALS, Text

__all__ = ["AnswerLost", "AwsConnection", "AwsUnavailable", "CallPaced", "CallSeen", "Identity", "profiles"]

_READS = ("Describe", "Get", "List", "BatchGet", "BatchCheck", "Filter", "Simulate", "Lookup", "Export", "Search")
_MAKES = ("Create", "Allocate", "Import", "Run", "Publish", "Request", "Copy", "Add")
_TOKENS = ("ClientToken", "CallerReference", "IdempotencyToken", "ClientRequestToken")
_HOMES = {"pricing": "us-east-1", "ce": "us-east-1", "freetier": "us-east-1"}  # answered there, for every region
_THREADS = 16
_ATTEMPTS = 5
_GATEWAY_ATTEMPTS = 10  # API Gateway throttles for longer: 10 attempts wait about a minute, 5 about 15 s
_LONGEST_WAIT = 20.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are to AWS, and where."""

    account: str
    arn: str
    region: str
    alias: str = ""


@dataclass(frozen=True, slots=True)
class CallSeen:
    """A call as it leaves: its name and the names of its parameters, never their values."""

    service: str
    operation: str
    params: tuple[str, ...]

    @property
    def action(self) -> str:
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True, slots=True)
class CallPaced:
    """A call waits `seconds`, for the rate AWS allows or because AWS said to slow down."""

    action: str
    seconds: float
    why: str


Listener = Callable[[CallSeen | CallPaced], None]


class AwsConnection:
    """One account, one region. Implements `target.Aws`; `call` is for the executor alone.

    botocore's own retries are off: ours wait on the given clock, can be cancelled and are told to the listener, and
    a call that would make a second thing is never sent again after a lost answer.
    """

    def __init__(self, *, profile: str = "", region: str = "", clock: Clock, listener: Listener | None = None) -> None:
        self.account = ""
        self.region = region
        self._profile = profile
        self._clock = clock
        self._listeners: list[Listener] = [listener] if listener else []
        self._limiter = Limiter(clock, lambda action, seconds: self._tell(CallPaced(action, seconds, "rate limit")))
        self._threads = Threads("aws", _THREADS)
        self._making = threading.Lock()
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._remembered: dict[str, asyncio.Task[Any]] = {}

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear every call; the answer ends the listening."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def open(self) -> Identity:
        """Find out who we are. Raises AwsUnavailable with the command that mends it."""
        try:
            answer = await self._send("sts", "GetCallerIdentity", {}, again=_throttled)
        except AwsError as error:
            cause = error.__cause__
            raise cannot_open(cause if isinstance(cause, Exception) else error, self._profile, self.region) from error
        self.account = str(answer["Account"])
        return Identity(self.account, clean(str(answer["Arn"])), self.region)

    async def alias(self) -> str:
        """The account's alias; empty when there is none or it may not be read."""
        try:
            answer = await self.read("iam", "ListAccountAliases")
        except AwsError:
            return ""
        return str(next(iter(answer.get("AccountAliases") or ()), ""))

    # Reading

    async def read(self, service: str, operation: str, **params: Any) -> Mapping[str, Any]:
        """One answer; the same question within one inspection travels once. Raises AwsError."""
        _must_read(operation)
        sent = plain(params)
        answer: Mapping[str, Any] = await self._once(
            json.dumps([service, operation, sent], sort_keys=True, default=str),
            lambda: self._send(service, operation, sent),
        )
        return answer

    async def read_all(self, service: str, operation: str, key: str, **params: Any) -> Sequence[Any]:
        """All pages of a list joined. A page that fails for good fails the list: half a list would be a lie."""
        _must_read(operation)
        sent = plain(params)
        answer: Sequence[Any] = await self._once(
            json.dumps([service, operation, key, sent], sort_keys=True, default=str),
            lambda: self._send(service, operation, sent, key=key),
        )
        return answer

    def forget(self) -> None:
        """What was remembered belongs to the last inspection."""
        self._remembered.clear()

    async def _once(self, name: str, ask: Callable[[], Any]) -> Any:
        task = self._remembered.get(name)
        if task is None or task.cancelled():
            task = asyncio.ensure_future(ask())
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # retrieved, whoever waits
            self._remembered[name] = task
        return await asyncio.shield(task)

    # Changing

    async def call(self, service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """One changing call. Raises AwsError; AnswerLost when it is not known whether it was carried out."""
        answer: Mapping[str, Any] = await self._send(service, operation, plain(params))
        return answer

    async def may(self, action: str, params: Mapping[str, Any]) -> str:
        """Whether the identity may do this: allowed, denied or unknown. Only EC2 has a dry run."""
        service, _, operation = action.partition(":")
        if service != "ec2":
            return "unknown"
        try:
            await self._send(service, operation, {**plain(params), "DryRun": True})
        except AwsError as error:
            return {"DryRunOperation": "allowed", "UnauthorizedOperation": "denied"}.get(error.code, "unknown")
        return "unknown"

    # Sending

    async def _send(
        self,
        service: str,
        operation: str,
        params: dict[str, Any],
        *,
        key: str = "",
        again: Callable[[AwsError], bool] = worth_another_try,
    ) -> Any:
        """Send until it is answered, refused for good, or not worth another try."""
        action = f"{service}:{operation}"
        resendable = not operation.startswith(_MAKES) or any(name in params for name in _TOKENS)
        attempts = _GATEWAY_ATTEMPTS if service.startswith("apigateway") else _ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                return await (
                    self._pages(service, operation, params, key) if key else self._page(service, operation, params)
                )
            except AwsError:
                raise
            except Exception as error:
                refused = refusal(error, action, resendable=resendable)
                if attempt == attempts or not again(refused):
                    raise refused from error
                seconds = min(0.25 * 2**attempt, _LONGEST_WAIT)
                if refused.code in THROTTLED:
                    seconds = max(seconds, self._limiter.interval(service, operation))
                self._tell(CallPaced(action, seconds, refused.code))
                await self._clock.sleep(seconds)
        raise AssertionError("the last attempt returns or raises")

    async def _page(self, service: str, operation: str, params: dict[str, Any]) -> Any:
        from functools import partial

        await self._limiter.turn(service, operation)
        self._tell(CallSeen(service, operation, tuple(sorted(params))))
        return await self._threads.run(partial(self._ask, service, operation, params))

    async def _pages(self, service: str, operation: str, params: dict[str, Any], key: str) -> tuple[Any, ...]:
        """Each page is a call of its own, with its own turn."""
        import jmespath

        pages = await self._threads.run(lambda: self._paginator(service, operation, params))
        if pages is None:
            return tuple(jmespath.search(key, await self._page(service, operation, params)) or ())
        found: list[Any] = []
        while True:
            await self._limiter.turn(service, operation)
            self._tell(CallSeen(service, operation, tuple(sorted(params))))
            page = await self._threads.run(lambda: next(pages, None))
            if page is None:
                return tuple(cleaned(found))
            found.extend(jmespath.search(key, page) or ())

    def _ask(self, service: str, operation: str, params: dict[str, Any]) -> Any:
        return cleaned(_method(self._client(service), operation)(**params))

    def _paginator(self, service: str, operation: str, params: dict[str, Any]) -> Any:
        from botocore import xform_name

        client, name = self._client(service), xform_name(operation)
        return iter(client.get_paginator(name).paginate(**params)) if client.can_paginate(name) else None

    def _client(self, service: str) -> Any:
        """The one client of a service. Sessions are not thread safe: clients are made under a lock, then shared."""
        with self._making:
            if service not in self._clients:
                import boto3
                from botocore.config import Config

                if self._session is None:
                    self._session = boto3.Session(profile_name=self._profile or None, region_name=self.region or None)
                    self.region = self.region or str(self._session.region_name or "")
                self._clients[service] = self._session.client(
                    service,
                    region_name=_HOMES.get(service) or None,
                    config=Config(
                        retries={"mode": "standard", "total_max_attempts": 1},
                        connect_timeout=5,
                        read_timeout=30,
                        max_pool_connections=_THREADS,
                        user_agent_extra="iris-migrate",
                    ),
                )
            return self._clients[service]

    def _tell(self, seen: CallSeen | CallPaced) -> None:
        for listener in tuple(self._listeners):
            listener(seen)


def _throttled(error: AwsError) -> bool:
    """All that is waited for at the start: somebody without a network wants to know it at once."""
    return error.code in THROTTLED


def profiles() -> tuple[str, ...]:
    """The profiles of the user's AWS configuration, by name. Blocks; a configuration that cannot be read has none."""
    import botocore.exceptions
    import botocore.session

    try:
        return tuple(sorted(clean(name) for name in botocore.session.Session().available_profiles))
    except botocore.exceptions.BotoCoreError:
        return ()


def plain(value: Any) -> Any:
    """Parameters as botocore takes them: lists for tuples. Something that should have been filled in is a defect."""
    if isinstance(value, (*SPECIALS, Text)):
        raise ValueError(f"a call to AWS still holds {value}")
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def cleaned(value: Any) -> Any:
    """An answer as plain data: control sequences and transport details out, streams read."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {name: cleaned(item) for name, item in value.items() if name != "ResponseMetadata"}
    if isinstance(value, list | tuple):
        return [cleaned(item) for item in value]
    return value.read() if hasattr(value, "read") else value


def _method(client: Any, operation: str) -> Any:
    from botocore import xform_name

    method = getattr(client, xform_name(operation), None)
    if method is None:
        raise ValueError(f"AWS has no operation {operation}")
    return method


def _must_read(operation: str) -> None:
    """Looking never changes anything: a defect is stopped here, not in the account."""
    if not operation.startswith(_READS):
        raise ValueError(f"{operation} is not a read; only the executor sends it")
