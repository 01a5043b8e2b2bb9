"""What the application adds to a request's log line, and the request id that leads to it."""

from __future__ import annotations

import itertools
import re
import secrets

from flask import Flask, Response, g, request

_PROCESS = secrets.token_hex(5)  # this module is loaded anew in every worker
_NUMBERS = itertools.count(1)
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
NOTE = "iris.note"


def register(app: Flask) -> None:
    """Give every request an id, first thing, and every response its header."""
    app.before_request(_begin)
    app.after_request(_end)


def note(**figures: str | int | float) -> None:
    """Put figures into this request's log line."""
    request.environ[NOTE].update(figures)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    name = given if _ID.fullmatch(given) else f"{_PROCESS}-{next(_NUMBERS):x}"
    request.environ[NOTE] = {"id": name, "address": request.remote_addr or ""}


def _end(response: Response) -> Response:
    mine = request.environ.get(NOTE, {})
    if "id" in mine:
        response.headers["X-Request-Id"] = mine["id"]
    if "log_error" in g:
        mine["error"] = g.log_error
    return response
