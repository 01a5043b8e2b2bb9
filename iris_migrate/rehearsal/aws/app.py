"""The WSGI application: names each request, applies faults and rules, asks moto, keeps the ledger."""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer, failure
from iris_migrate.rehearsal.aws.ledger import Ledger
from iris_migrate.rehearsal.aws.request import AwsRequest, UnnamedRequestError, name_request
from iris_migrate.rehearsal.aws.rules import (
    deployments,
    exports,
    function_policies,
    function_surroundings,
    function_versions,
    gateway,
    images,
    layers,
    measures,
    pace,
    pages,
    pushing,
    rest,
    stages,
)
from iris_migrate.rehearsal.aws.rules.account import AccountRules
from iris_migrate.rehearsal.aws.rules.book import Practice, RuleBook
from iris_migrate.rehearsal.aws.rules.ec2 import Ec2Rules
from iris_migrate.rehearsal.aws.rules.lag import Lag, StaleReads

log = logging.getLogger(__name__)

_UNKNOWN_KEY = {
    "ec2": ("AuthFailure", 401, "AWS was not able to validate the provided access credentials"),
    "sts": ("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
    "iam": ("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
}
# Services whose writes go one at a time: moto's state has no locks.
_PARALLEL_UNSAFE = frozenset({"ec2", "ecr", "lambda", "apigateway", "apigatewayv2"})
_SLOW = frozenset({"lambda:Invoke"})  # changes nothing of moto's, and takes its time
_FAMILIES = (
    pace,
    gateway,
    stages,
    rest,
    deployments,
    exports,
    pages,
    function_policies,
    function_versions,
    function_surroundings,
    images,
    pushing,
    layers,
    measures,
)

StartResponse = Callable[..., Any]


@dataclass(slots=True)
class PracticeAws:
    """AWS as this machine has it. `keys` are the access keys that it knows, with their accounts; others are refused."""

    practice: Practice
    keys: Mapping[str, str]
    ledger: Ledger = field(default_factory=Ledger)
    _book: RuleBook = field(default_factory=RuleBook)
    _lag: Lag = field(init=False)
    _stale: StaleReads = field(init=False)
    _moto: Any = field(init=False)
    _lock: Any = field(init=False)

    def __post_init__(self) -> None:
        import threading

        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._moto = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.RLock()
        self._lag, self._stale = Lag(self.practice), StaleReads(self.practice)
        for rules in (Ec2Rules(self.practice), AccountRules(self.practice)):
            rules.enter(self._book)
        for family in _FAMILIES:
            for rule in family.RULES:
                self._book.take(rule(self.practice))

    @property
    def book(self) -> RuleBook:
        return self._book

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            request = name_request(environ)
        except UnnamedRequestError as error:
            log.info("refused: %s", error)
            start_response("400 Bad Request", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"The practice AWS cannot tell what is asked: {error}\n".encode()]
        request = replace(request, account=self.keys.get(request.access_key, ""))
        if self.practice.faults.delay > 0:
            time.sleep(self.practice.faults.delay)
        fault, answer = self._answer(request, environ)
        if answer.code == "cut-after":
            carried_out = self._carried_out(request, environ)
            self.ledger.add(request, carried_out, self.practice.clock.now(), fault)
        else:
            self.ledger.add(request, answer, self.practice.clock.now(), fault)
        if answer.status == 0:
            raise cut(environ)
        headers = [(name, value) for name, value in answer.headers.items() if name.lower() != "content-length"]
        headers.append(("Content-Length", str(len(answer.body))))
        start_response(f"{answer.status} Practice", headers)
        return [answer.body]

    def _answer(self, request: AwsRequest, environ: dict[str, Any]) -> tuple[str, Answer]:
        """The answer, and the name of the fault that gave it."""
        if request.access_key not in self.keys:
            unknown = ("UnrecognizedClientException", 403, "The security token included in the request is invalid.")
            code, status, message = _UNKNOWN_KEY.get(request.service, unknown)
            return "", failure(request, code, message, status)
        scripted = self.practice.faults.take(request)
        return scripted if scripted is not None else ("", self._carried_out(request, environ))

    def _carried_out(self, request: AwsRequest, environ: dict[str, Any]) -> Answer:
        try:
            if request.writes and request.service in _PARALLEL_UNSAFE and request.action not in _SLOW:
                with self._lock:
                    return self._stale.look(request, self._by_rules(request, environ))
            return self._stale.look(request, self._by_rules(request, environ))
        except Exception as error:  # a defect of a rule: told in AWS's shape, with its trace in the world's log
            log.exception("%s", request.action)
            return failure(request, "InternalFailure", f"The practice AWS broke: {type(error).__name__}.", 500)

    def _by_rules(self, request: AwsRequest, environ: dict[str, Any]) -> Answer:
        asked = request
        for ahead in self._book.first(request):
            outcome = ahead(asked)
            if isinstance(outcome, Answer):
                return self._lag.hide(request, outcome)
            if outcome is not None:
                asked = outcome
        answer = self._ask_moto(asked, environ)
        if not (request.dry_run and answer.status == 200):
            for behind in self._book.after.get(request.action, ()):
                answer = behind(request, answer)
        self._lag.made(request, answer)
        return self._lag.hide(request, answer)

    def _ask_moto(self, request: AwsRequest, environ: dict[str, Any]) -> Answer:
        seen: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            seen["status"], seen["headers"] = int(status.split(maxsplit=1)[0]), dict(headers)

        environ = dict(environ, **{"wsgi.input": io.BytesIO(request.body), "CONTENT_LENGTH": str(len(request.body))})
        try:
            result = self._moto(environ, start)
            body = b"".join(result)
            if hasattr(result, "close"):
                result.close()
        except Exception as error:  # what moto does not implement ends in every kind of exception
            log.warning("%s: %s: %s", request.action, type(error).__name__, error)
            return _unimplemented(request)
        headers = {str(name): str(value) for name, value in seen["headers"].items()}
        answer = Answer(seen["status"], body, headers)
        if answer.status < 400:
            return answer
        if "html" in headers.get("Content-Type", "") and b"<Error" not in body:
            return _unimplemented(request)
        return replace(answer, code=_code(answer))


def cut(environ: Mapping[str, Any]) -> ConnectionResetError:
    """Ends the client's connection without an answer. What it gives is raised, so that the server writes nothing."""
    import socket

    with contextlib.suppress(OSError, KeyError):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return ConnectionResetError("cut on purpose")


def _unimplemented(request: AwsRequest) -> Answer:
    """An honest refusal, where moto would answer with a page of HTML."""
    message = f"The practice AWS does not know {request.action}. On a real account this call may work."
    return failure(request, "NotImplementedInRehearsal", message, 501)


def _code(answer: Answer) -> str:
    import json
    import re

    found = re.search(rb"<Code>([^<]+)</Code>", answer.body)
    if found:
        return found.group(1).decode()
    try:
        data = json.loads(answer.body or b"{}")
    except ValueError:
        return ""
    return str(data.get("__type") or data.get("code") or answer.headers.get("x-amzn-ErrorType") or "")
