"""What can go wrong, each with its status, and the one JSON shape every error has."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType

from flask import Flask, Response, g, json
from werkzeug.exceptions import HTTPException

log = logging.getLogger("iris")


class IrisError(Exception):
    """An error the client is told about; the sentence never holds source, key or the model's own words."""

    status = 500
    sentence = "Something went wrong here. The request id leads to it in the log."
    retry_after: int | None = None

    def __init__(self, sentence: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(sentence or self.sentence)
        if retry_after is not None:
            self.retry_after = retry_after


class InvalidRequest(IrisError):
    status = 400


class Unauthorized(IrisError):
    status = 401
    sentence = "The x-api-key header is missing or holds no valid key."


class Closed(IrisError):
    status = 503
    sentence = "This service has no IRIS_API_KEY and answers nobody from outside until one is set."


class TooMany(IrisError):
    status = 429
    sentence = "Too many requests. Wait as long as Retry-After says."


class Busy(IrisError):
    status = 503
    sentence = "All places for new analyses are taken. Ask again in a moment."
    retry_after = 2


class NoModelKey(IrisError):
    status = 503
    sentence = "No OPENAI_API_KEY is set, so nothing new can be analysed."


class ModelKeyRefused(IrisError):
    status = 503
    sentence = "The model service refused the OPENAI_API_KEY of this service or its quota is used up."


class ModelOverloaded(IrisError):
    status = 503
    sentence = "The model service is overloaded. Ask again in a moment."
    retry_after = 10


class ModelTimedOut(IrisError):
    status = 504
    sentence = "The model took too long."


class ModelUnreachable(IrisError):
    status = 502
    sentence = "The model service could not be reached."


class ModelFailed(IrisError):
    status = 502
    sentence = "The model service answered with an error."


class ModelDeclined(IrisError):
    status = 502
    sentence = "The model declined to describe this file."


class ModelNonsense(IrisError):
    status = 502
    sentence = "The model's answer did not have the agreed shape."


class ModelTooFewBlocks(IrisError):
    status = 502
    sentence = "The model's answer had no usable responsibility block."


def error_response(error: IrisError) -> Response:
    """The agreed shape, with Retry-After where waiting helps."""
    response = json_error(error.status, str(error))
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def json_error(status: int, sentence: str) -> Response:
    """`{success: false, error}` with this status."""
    g.log_error = sentence
    return Response(json.dumps({"success": False, "error": sentence}), status, mimetype="application/json")


def register(app: Flask) -> None:
    """Make every error of the application JSON."""
    app.register_error_handler(IrisError, error_response)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


_SENTENCES = {
    404: "There is nothing at this path.",
    405: "This path does not take this method.",
    413: "The request is larger than this service takes.",
}


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    response = json_error(status, _SENTENCES.get(status) or f"{error.name}.")
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _unexpected(error: Exception) -> Response:
    """Log where it happened but not the message: an exception's text may quote the source."""
    log.error("unexpected %s\n%s", type(error).__name__, frames(error.__traceback__))
    return json_error(500, IrisError.sentence)


def frames(trace: TracebackType | None) -> str:
    """The stack as file and line, without any value."""
    return "".join(traceback.format_tb(trace))
