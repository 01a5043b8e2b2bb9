"""Facts of a diagnosis: each kind of question, asked of host, web, AWS or a step, and answered as plain data."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from iris_migrate.encoding import encode
from iris_migrate.engine.inspection import Inspected, Inspection
from iris_migrate.findings import Finding, Verdict
from iris_migrate.language.troubleshooting import Ask
from iris_migrate.resources.base import build
from iris_migrate.resources.certificate import read_certificate
from iris_migrate.resources.gunicorn import literals
from iris_migrate.resources.unit_lint import directives
from iris_migrate.target import Target, Unreadable
from iris_migrate.values import SPECIALS, Text, fill, specials

LIMIT = 20.0  # seconds for one fact
_DAY = 86_400.0
_END = re.compile(r"Main process exited, code=exited, status=([0-9]+)/")  # systemd's own words
_OVERDUE = 21.0  # days left of a certificate; certbot renews one of 90 days at 30, short-lived ones by their life

Document = Mapping[str, Any]


class Facts:
    """Asks facts side by side, so that those of the host travel in one batch. What cannot be told is a sentence."""

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection

    async def ask(self, asks: Iterable[Ask]) -> dict[str, Document | str]:
        """By name: the answer, or why there is none."""
        wanted = list(asks)
        answers = await asyncio.gather(*(self._one(ask) for ask in wanted))
        return {ask.name: answer for ask, answer in zip(wanted, answers, strict=True)}

    async def _one(self, ask: Ask) -> Document | str:
        if ask.lacking:
            return ask.lacking
        with_ = fill(dict(ask.with_), self._inspection.known)
        missing = next(specials(with_), None)
        if missing is not None:
            return f"{missing} is not known"
        plain = {name: str(value) if isinstance(value, Text) else value for name, value in with_.items()}
        try:
            async with asyncio.timeout(LIMIT):
                if ask.kind == "step":
                    return self._step(str(plain["step"]))
                if ask.kind == "resource":
                    return await self._resource(ask.name, plain)
                return await KINDS[ask.kind](self._inspection.target, **plain)
        except Unreadable as error:
            return str(error)
        except TimeoutError:
            return f"no answer in {LIMIT:.0f} s"

    def _step(self, name: str) -> Document | str:
        found = self._inspection.found.get(name)
        return f"{name} was not looked at" if found is None else step_document(found)

    async def _resource(self, name: str, with_: Mapping[str, Any]) -> Document:
        """A sentence about the world that is no step: judged by its class, as a step would be."""
        kind = str(with_["resource"])
        parameters = {key: value for key, value in with_.items() if key != "resource"}
        target = self._inspection.target
        resource = build(kind, parameters, self._inspection.key(f"fact-{name}"), target.clock.now())
        return _found(await resource.inspect(target))


def step_document(found: Inspected) -> Document:
    """What is known of a step. `error` is the class of what kept it from being looked at, `code` AWS's own."""
    if found.step.left_out:
        return {"verdict": "left-out", "error": "", "code": "", "outputs": {}, "facts": {}, "wrong": []}
    error = found.error
    named = {"error": type(error).__name__ if error else "", "code": str(getattr(error, "code", ""))}
    return {**_found(found.finding), **named}


def _found(finding: Finding) -> Document:
    wrong = [
        {"asked": item.asked, "expected": item.expected, "seen": item.seen, "verdict": item.verdict.value}
        for item in finding.evidence
        if item.verdict is not Verdict.HOLDS
    ]
    return {
        "verdict": finding.verdict.value, "reason": finding.reason, "wrong": wrong,
        "outputs": _plain(finding.outputs), "facts": _plain(finding.facts),
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """Plain data for JMESPath: dataclasses as mappings, tuples as lists, specials by name."""
    if is_dataclass(value) and not isinstance(value, type) and not isinstance(value, (*SPECIALS, Text)):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, (*SPECIALS, Text)) else encode(value)


def _there(value: Any) -> Document:
    """An answer with whether there was any."""
    return {"there": False} if value is None else {"there": True, **_plain(value)}


# The kinds. Each takes its parameters by name, as `troubleshooting.yaml` writes them.


async def _stat(target: Target, path: str) -> Document:
    return _there(await target.host.stat(path))


async def _text(target: Target, path: str) -> Document:
    text = await target.host.text(path)
    return {"there": text is not None, "text": text or ""}


async def _unit(target: Target, name: str) -> Document:
    unit, clock = await asyncio.gather(target.host.unit(name), target.host.clock())
    age = max(0.0, clock.boot - unit.active_since) if unit.active == "active" else 0.0
    again = unit.active == "activating" and unit.restarts and not unit.exit_code
    ended = await _last_end(target, name) if again else unit.exit_code
    return {**_plain(unit), "exit_code": ended, "active_for": age}


async def _last_end(target: Target, name: str) -> int:
    """How the process before ended: while systemd starts the next one, only its own line in the journal tells."""
    journal = f"journalctl -u {shlex.quote(name)} -b -o cat --no-pager -q"
    answer = await target.host.shell(f"{journal} | grep -E -- {shlex.quote(_END.pattern)} | tail -n 1", root=True)
    found = _END.search(answer.out)
    return int(found.group(1)) if found else 0


async def _unit_file(target: Target, path: str) -> Document:
    text = await target.host.text(path)
    return {"there": False} if text is None else {"there": True, **directives(text)}


async def _literals(target: Target, path: str) -> Document:
    text = await target.host.text(path)
    try:
        return {"there": False} if text is None else {"there": True, **_plain(literals(text))}
    except SyntaxError as error:
        raise Unreadable(f"line {error.lineno} of {path} is not Python") from error


async def _names(target: Target, path: str) -> Document:
    names = await target.host.names(path)
    return {"there": names is not None, "names": list(names or ())}


async def _listening(target: Target, port: int) -> Document:
    return {"sockets": [_plain(item) for item in await target.host.listening() if item.port == port]}


async def _variables(target: Target, unit: str) -> Document:
    state = await target.host.unit(unit)
    names = await target.host.variables(state.main_pid) if state.main_pid else None
    return {"running": names is not None, "names": list(names or ())}


async def _filesystem(target: Target, path: str) -> Document:
    found = await target.host.filesystem(path)
    if found is None or not found.size:
        return {"there": False}
    return {**_there(found), "free_mb": found.available // 1_048_576, "used": 100 * (1 - found.available / found.size)}


async def _package(target: Target, name: str) -> Document:
    return {"version": await target.host.package(name)}


async def _http(target: Target, url: str) -> Document:
    answer = await target.host.http(url)
    return {"status": answer.status, "body": _plain(answer.body), "error": answer.error}


async def _os(target: Target) -> Document:
    found: Document = _plain(await target.host.os())
    return found


async def _clock(target: Target) -> Document:
    clock = await target.host.clock()
    return {**_plain(clock), "apart": clock.wall - target.clock.now()}


async def _certificate(target: Target, path: str) -> Document:
    pem, clock = await asyncio.gather(target.host.text(path), target.host.clock())
    if pem is None:
        return {"there": False}
    seen = read_certificate(pem)
    left, life = ((seen["not_after"] - start) / _DAY for start in (clock.wall, seen["not_before"]))
    return {"there": True, **_plain(seen), "days_left": left, "overdue": left < min(_OVERDUE, life / 4)}


async def _command(target: Target, script: str, root: bool = False) -> Document:
    answer = await target.host.shell(script, root=root)
    return {"status": answer.status, "out": answer.out, "err": answer.err}


async def _resolve(target: Target, name: str, resolver: str = "") -> Document:
    return {"addresses": list(await target.web.resolve(name, resolver=resolver))}


async def _tls(target: Target, name: str, connect: str = "", port: int = 443, ca: str = "") -> Document:
    seen = await target.web.tls(name, connect=connect, port=port, ca=ca)
    serial = seen.serial.lower().lstrip("0")
    return {**_plain(seen), "serial": serial, "days_left": (seen.not_after - target.clock.now()) / _DAY}


async def _get(target: Target, url: str, connect: str = "", ca: str = "") -> Document:
    answer = await target.web.get(url, connect=connect, ca=ca)
    return {"status": answer.status, "body": _plain(answer.body), "error": answer.error}


async def _aws(target: Target, service: str, operation: str, params: Mapping[str, Any] | None = None) -> Document:
    return {"answer": _plain(await target.aws.read(service, operation, **(params or {})))}


async def _settings(target: Target, **values: Any) -> Document:
    plain: Document = _plain(values)
    return plain


KINDS: Mapping[str, Callable[..., Awaitable[Document]]] = {
    "host.stat": _stat, "host.text": _text, "host.unit": _unit, "host.unit_file": _unit_file,
    "host.literals": _literals, "host.names": _names, "host.listening": _listening, "host.variables": _variables,
    "host.filesystem": _filesystem, "host.package": _package, "host.http": _http, "host.os": _os,
    "host.clock": _clock, "host.certificate": _certificate, "host.command": _command, "web.resolve": _resolve,
    "web.tls": _tls, "web.get": _get, "aws.read": _aws, "settings": _settings,
}  # fmt: skip
