"""One JSON line a request, written by gunicorn's access log: never the source, never a key, never a query."""

from __future__ import annotations

import datetime
import json
import os
import sys
from contextlib import suppress
from typing import Any

from gunicorn.glogging import Logger

NOTE = "iris.note"  # the same name as in request_note.py, which gunicorn's master does not import


class RequestLog(Logger):  # type: ignore[misc]
    """gunicorn's logger with our line; its files, USR1 and reload work as always."""

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: datetime.timedelta) -> None:
        """Called by gunicorn after every response."""
        if not self.cfg.accesslog:
            return
        text = line(environ, resp.status_code, resp.sent, request_time.total_seconds())
        if self.cfg.accesslog == "-":
            _write_out(text)
        else:
            self.access_log.info(text)


def _write_out(text: str) -> None:
    """Straight to standard output: logging would let every thread of a busy worker queue for its lock."""
    left = text.encode() + b"\n"
    with suppress(OSError):
        while left:
            left = left[os.write(sys.stdout.fileno(), left) :]


def line(environ: dict[str, Any], status: int, sent: int, seconds: float) -> str:
    """The line: what gunicorn knows and what the application noted."""
    entry = {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        "method": environ.get("REQUEST_METHOD"),
        "path": str(environ.get("PATH_INFO", ""))[:200],
        "status": status,
        "bytes": sent,
        "ms": round(seconds * 1000, 1),
        **environ.get(NOTE, {}),
    }
    return json.dumps(entry, separators=(",", ":"))
