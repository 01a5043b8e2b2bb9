"""The application put together from its settings."""

from __future__ import annotations

import logging
import os
import sys

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from . import errors, request_note, routes
from .admission import Admission
from .analysis import Analysis
from .answers import Answer
from .auth import Gatekeeper
from .board import Board
from .cache.answer_cache import AnswerCache
from .cache.disk_store import DiskStore
from .cache.front import Front
from .cache.store import Store
from .configuration import AccessSettings, CacheSettings, Settings
from .figures import Figures
from .flights import Flights, KeyLocks
from .health import Health
from .limits import Limits
from .model_client import ModelClient

log = logging.getLogger("iris")


def create_app(settings: Settings | None = None, board: Board | None = None) -> Flask:
    """The WSGI application; without arguments everything comes from the environment."""
    settings = settings or Settings.from_environment(os.environ)
    board = board or Board.from_environment(os.environ)
    _log_to_standard_error()
    app = Flask("iris", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.access.max_body
    app.json.sort_keys = False  # type: ignore[attr-defined]
    hops = settings.access.trusted_proxies
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    request_note.register(app)
    errors.register(app)
    _allow_origins(app, settings.access)
    store, locks = _store(settings.cache, board)
    cache = AnswerCache(store, board, settings.cache.ttl)
    analysis = Analysis(
        ModelClient(settings.model),
        settings.model,
        cache,
        Front(settings.cache.front_entries, settings.cache.ttl),
        Flights[Answer](locks, board),
        Admission(settings.threads, settings.model.slots),
        board,
    )
    limits = Limits(settings, board)
    gatekeeper = Gatekeeper(settings.access)
    routes.register(app, analysis, gatekeeper, limits, Health(settings, cache, board), Figures(board, cache))
    if settings.flask_env_set and board.first("flask_env_said"):
        log.warning("FLASK_ENV has no effect since Flask 2.3 and is ignored")
    return app


def _store(settings: CacheSettings, board: Board) -> tuple[Store, KeyLocks]:
    """The place for answers and the locks that go with it."""
    if settings.url is None:
        return DiskStore(settings.directory, settings.max_bytes), board
    from .cache.redis_store import RedisStore

    store = RedisStore(settings.url)
    return store, store.locks(board)


def _log_to_standard_error() -> None:
    """Warnings of ours go where gunicorn's errors go, once."""
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s iris %(message)s"))
        log.addHandler(handler)
        log.propagate = False


def _allow_origins(app: Flask, settings: AccessSettings) -> None:
    """Browsers of other origins get nothing, unless IRIS_CORS_ORIGINS names them."""
    if not settings.cors_origins:
        return

    @app.after_request
    def allow(response: Response) -> Response:
        response.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin")
        if origin in settings.cors_origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Headers"] = "content-type, x-api-key"
            response.headers["Access-Control-Allow-Methods"] = "GET, POST"
            if request.method == "OPTIONS":
                response.status_code = 204
                response.set_data(b"")
        return response
