"""The control address of a rehearsal, /practice/: what stands in for what, faults, the clock, the ledgers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

from iris_migrate.rehearsal.clock import ClockError, PracticeClock
from iris_migrate.rehearsal.serving import Application, answer_json, read_body

PREFIX = "/practice/"


class ControlError(ValueError):
    """The control address was asked for something that it does not do."""


Handler = Callable[[Mapping[str, Any]], Any]


class Control:
    """Routes below /practice/. A GET handler gets the query, a POST handler the JSON body; both give plain data."""

    def __init__(self, clock: PracticeClock) -> None:
        self._clock = clock
        self._gets: dict[str, Handler] = {"clock": self._show_clock}
        self._posts: dict[str, Handler] = {"clock": self._move_clock}

    def show(self, path: str, handler: Handler) -> None:
        self._gets[path] = handler

    def take(self, path: str, handler: Handler) -> None:
        self._posts[path] = handler

    def in_front_of(self, application: Application) -> Application:
        """The application with the control address on the same port."""

        def both(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ.get("PATH_INFO", "").startswith(PREFIX):
                return self._answer(environ, start_response)
            return application(environ, start_response)

        return both

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        path = environ["PATH_INFO"][len(PREFIX) :].strip("/")
        method = environ["REQUEST_METHOD"]
        try:
            if method == "GET" and path in self._gets:
                query = {name: values[-1] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
                return answer_json(start_response, self._gets[path](query))
            if method == "POST" and path in self._posts:
                return answer_json(start_response, self._posts[path](_json(read_body(environ))))
        except (ControlError, ClockError) as error:
            return answer_json(start_response, {"error": str(error)}, "400 Bad Request")
        known = {"GET": sorted(self._gets), "POST": sorted(self._posts)}
        return answer_json(start_response, {"error": f"no {method} {path!r} here", "known": known}, "404 Not Found")

    def _show_clock(self, _: Mapping[str, Any]) -> Any:
        return {"now": self._clock.now(), "offset": self._clock.offset}

    def _move_clock(self, body: Mapping[str, Any]) -> Any:
        if "advance" in body:
            self._clock.advance(_number(body["advance"], "advance"))
        elif "set" in body:
            self._clock.set(_number(body["set"], "set"))
        else:
            raise ControlError('Send {"advance": seconds} or {"set": seconds since the epoch}.')
        return self._show_clock({})


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        raise ControlError(f"The body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ControlError("Send a JSON object.")
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ControlError(f"`{name}` is a number of seconds.")
    return float(value)
