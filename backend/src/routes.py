"""The paths of the service."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, Flask, Response, current_app, json, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from . import openapi
from .analysis import Analysis
from .auth import Gatekeeper, peer_is_loopback, was_forwarded
from .contract import parse_request
from .errors import InvalidRequest, json_error
from .figures import Figures
from .health import Health
from .limits import Limits
from .request_note import note

_DISCARDED = 8  # times the limit


def register(
    app: Flask, analysis: Analysis, gatekeeper: Gatekeeper, limits: Limits, health: Health, figures: Figures
) -> None:
    """Bind each path to its part; what costs money or tells of use is limited first and then behind the key."""

    def analyze() -> ResponseReturnValue:
        limits.check(request)
        gatekeeper.check(request)
        asked = parse_request(_json_body())
        outcome = analysis.answer(asked)
        note(origin=outcome.origin, language=asked.language)
        return _json(outcome.answer.body(asked.metadata, paid=outcome.paid))

    def stats() -> ResponseReturnValue:
        limits.check(request)
        gatekeeper.check(request)
        return _json(json.dumps(figures.stats()).encode())

    def tell_health() -> ResponseReturnValue:
        body, status = health.report()
        return _json(json.dumps(body).encode(), status)

    def metrics() -> ResponseReturnValue:
        if was_forwarded(request) or not peer_is_loopback(request):
            return json_error(404, "There is nothing at this path.")
        return Response(figures.metrics(), mimetype="text/plain; version=0.0.4")

    def describe() -> ResponseReturnValue:
        return _json(json.dumps(openapi.description()).encode())

    paths = Blueprint("iris", __name__)
    for path, view, method in (
        ("/api/iris/analyze", analyze, "POST"),
        ("/api/iris/stats", stats, "GET"),
        ("/api/iris/health", tell_health, "GET"),
        ("/api/iris/openapi.json", describe, "GET"),
        ("/metrics", metrics, "GET"),
    ):
        paths.add_url_rule(path, view_func=view, methods=[method], provide_automatic_options=False)
    app.register_blueprint(paths)


def _json_body() -> bytes:
    """The body, at most as large as allowed. Only JSON: a browser sends other types across sites without asking."""
    limit = request.max_content_length or 0
    if (request.content_length or 0) > limit:
        _discard(limit * _DISCARDED)
        raise RequestEntityTooLarge
    if not request.is_json:
        raise InvalidRequest("The body must be sent as Content-Type application/json.")
    try:
        body = request.get_data(cache=False)
        if request.content_length is None and len(body) >= limit:  # werkzeug cuts a chunked body off at the limit
            raise RequestEntityTooLarge
        return body
    except HTTPException:
        raise
    except Exception as error:  # gunicorn's own: a broken chunk, a client that left
        raise InvalidRequest("The body could not be read to its end.") from error


def _discard(most: int) -> None:
    """Take in what a client is still sending, within reason: a client that is cut off never reads the 413."""
    stream = request.environ["wsgi.input"]
    with suppress(Exception):
        while most > 0 and (part := stream.read(65_536)):
            most -= len(part)


def _json(body: bytes, status: int = 200) -> Response:
    return current_app.response_class(body, status, mimetype="application/json")
