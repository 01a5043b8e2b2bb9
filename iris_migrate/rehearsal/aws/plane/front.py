"""The front of the data plane: from a public name to what answers there, as a WSGI application."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from iris_migrate.rehearsal.aws.plane import events
from iris_migrate.rehearsal.aws.plane.downloads import Downloads
from iris_migrate.rehearsal.aws.plane.events import Call, ShapeError
from iris_migrate.rehearsal.aws.plane.exchange import Asked, Told, message, read
from iris_migrate.rehearsal.aws.plane.functions import FunctionName, Functions, State
from iris_migrate.rehearsal.aws.plane.http_api import HttpApis, Place
from iris_migrate.rehearsal.aws.plane.rest_api import RestApis
from iris_migrate.rehearsal.clock import PracticeClock

_EXECUTE = re.compile(r"([a-z0-9]+)\.execute-api\.([a-z0-9-]+)\.amazonaws\.com")
_URL = re.compile(r"([a-z0-9]+)\.lambda-url\.([a-z0-9-]+)\.on\.aws")

Answering = Callable[[Asked], Told]


@dataclass(slots=True)
class Front:
    """Everything that the accounts of a world show to the outside. Names that nobody owns lead nowhere."""

    state: State
    accounts: Sequence[str]
    region: str
    http: HttpApis
    rest: RestApis
    functions: Functions
    downloads: Downloads
    clock: PracticeClock

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked = read(environ)
        answering = self.find(asked.host)
        if answering is None:
            told = Told(502, f"No public name {asked.host} in this practice world.\n".encode(), {})
        else:
            told = answering(asked)
        headers = [(name, value) for name, value in told.headers.items() if name.lower() != "content-length"]
        headers.append(("Content-Length", str(len(told.body))))
        start_response(f"{told.status} Practice", headers)
        return [b"" if asked.method == "HEAD" else told.body]

    def find(self, host: str) -> Answering | None:
        """What answers at a name; None when the name does not resolve.

        The name of a deleted API does not resolve (assumed; it may linger for a while on AWS).
        """
        if found := _EXECUTE.fullmatch(host):
            return self._api(found.group(1), found.group(2))
        if _URL.fullmatch(host):
            return self._function_url(host)
        if host in self.downloads.hosts():
            return self.downloads.answer
        return self._domain(host)

    # --- by execute-api name ---------------------------------------------------------------------------------------

    def _api(self, api_id: str, region: str) -> Answering | None:
        if region != self.region:
            return None
        for place in self._places("apigatewayv2", lambda backend: backend.apis.get(api_id)):
            return lambda asked: self.http.answer(place, asked)
        for place in self._places("apigateway", lambda backend: backend.apis.get(api_id)):
            return lambda asked: self.rest.answer(place, asked)
        return None

    def _places(self, service: str, find: Callable[[Any], Any]) -> Iterator[Place]:
        for account in self.accounts:
            if (api := find(self.state(service, self.region, account))) is not None:
                yield Place(account, self.region, api)

    # --- by custom domain ------------------------------------------------------------------------------------------

    def _domain(self, host: str) -> Answering | None:
        """https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html"""
        for account in self.accounts:
            second = self.state("apigatewayv2", self.region, account)
            first = self.state("apigateway", self.region, account)
            if host in second.domain_names or host in first.domain_names:
                mappings = [
                    (item.api_mapping_key or "", item.api_id, item.stage)
                    for item in second.api_mappings.values()
                    if item.domain_name == host
                ]
                for base, item in first.base_path_mappings.get(host, {}).items():
                    mappings.append(("" if base == "(none)" else base, item.rest_api_id, item.stage or ""))
                return lambda asked: self._mapped(account, mappings, asked)
        return None

    def _mapped(self, account: str, mappings: Sequence[tuple[str, str, str]], asked: Asked) -> Told:
        for key, api_id, stage in sorted(mappings, key=lambda item: -len(item[0])):
            if key and not f"{asked.path}/".startswith(f"/{key}/"):
                continue
            path = asked.path[len(key) + 1 :] or "/" if key else asked.path
            api = self.state("apigatewayv2", self.region, account).apis.get(api_id)
            if api is not None:
                return self.http.answer(Place(account, self.region, api), asked, stage=stage, path=path)
            rest = self.state("apigateway", self.region, account).apis.get(api_id)
            if rest is not None:
                return self.rest.answer(Place(account, self.region, rest), asked, stage=stage, path=path)
        return message(403, "Forbidden", x_amzn_ErrorType="ForbiddenException")

    # --- by function URL -------------------------------------------------------------------------------------------

    def _function_url(self, host: str) -> Answering:
        """The names of function URLs resolve for everybody; one that is gone answers 403."""
        for account in self.accounts:
            backend = self.state("lambda", self.region, account)
            for function in backend.list_functions():
                config = function.url_config
                if config is not None and config.url.removeprefix("https://").rstrip("/") == host:
                    return lambda asked: self._url_call(account, function, config, asked)
        return lambda asked: _url_told(403, "Forbidden")

    def _url_call(self, account: str, function: Any, config: Any, asked: Asked) -> Told:
        """https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html"""
        qualifier = str(config.config.get("Qualifier") or "")
        named = FunctionName(account, self.region, function.function_name, qualifier)
        allowed = self.functions.permissions.allow(named, "*", "")
        if config.config.get("AuthType") != "NONE" or not allowed:
            return _url_told(403, "Forbidden")
        call = Call(
            asked=asked,
            account=account,
            api_id=asked.host.partition(".")[0],
            domain=asked.host,
            stage="$default",
            key="$default",
            template="",
            path=asked.path,
            parameters={},
            at=self.clock.now(),
            variables={},
            request_id=Call.new_id(),
        )
        outcome = self.functions.invoke(named, events.version_2(call))
        match outcome.kind:
            case "throttled":
                return _url_told(429, "Rate Exceeded.")
            case "answered":
                try:
                    return events.told(outcome.result, inferred=True)
                except ShapeError:
                    return _url_told(502, "Internal Server Error")
            case "missing":
                return _url_told(403, "Forbidden")
        return _url_told(502, "Internal Server Error")


def _url_told(status: int, text: str) -> Told:
    return Told(status, f'{{"Message":"{text}"}}'.encode(), {"Content-Type": "application/json"})
