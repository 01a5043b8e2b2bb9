"""gunicorn's threaded worker, answering what never reaches the application in the same JSON shape."""

from __future__ import annotations

import json
from typing import Any

from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

_REFUSED = {
    errors.LimitRequestLine: (414, "URI Too Long", "The address of the request is too long."),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large", "The headers of the request are too large."),
    errors.UnsupportedTransferCoding: (501, "Not Implemented", "This transfer coding is not understood."),
    errors.ExpectationFailed: (417, "Expectation Failed", "This expectation cannot be met."),
    errors.ForbiddenProxyRequest: (403, "Forbidden", "This request is forbidden."),
}
_BAD = (400, "Bad Request", "This is not a valid HTTP request.")
_BROKEN = (500, "Internal Server Error", "Something went wrong here. The log tells more.")


class JsonWorker(ThreadWorker):  # type: ignore[misc]
    """Only the form of gunicorn's own errors is changed."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """A request that could not be read, or an application that raised."""
        status, reason, sentence = answer_to(exc)
        if status == 500:
            self.log.exception("Error handling a request")
        else:
            self.log.warning("Refused a request from %s: %s", (addr or ("",))[0], type(exc).__name__)
        body = json.dumps({"success": False, "error": sentence}).encode()
        head = (
            f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            util.write_nonblock(client, head.encode() + body)
        except OSError:
            self.log.debug("The client is gone")


def answer_to(exc: BaseException) -> tuple[int, str, str]:
    """Status, reason and sentence for what gunicorn raised."""
    for kind, answer in _REFUSED.items():
        if isinstance(exc, kind):
            return answer
    return _BAD if isinstance(exc, errors.ParseException) else _BROKEN
