"""gunicorn's settings: `gunicorn -c gunicorn_config.py src.server:app`.

Time limits stand in a ladder, so that the innermost speaks first: model 100 s < gunicorn 120 s < nginx 130 s.
The code is loaded by each worker (no preload), so a reload (HUP) takes up a new version; for the same reason nothing of
`src` is imported here.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

_BACKEND = Path(__file__).resolve().parent
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only gunicorn's heartbeat files, which it makes itself


def _descriptor_of(name: str) -> int | None:
    number, _, inode = name.partition(":")
    try:
        return int(number) if os.fstat(int(number)).st_ino == int(inode) else None
    except (ValueError, OSError):
        return None


def _keep_board() -> None:
    """Memory that all workers share, named in IRIS_BOARD (src/board.py); new when its layout changed with the code."""
    layout = hashlib.sha256((_BACKEND / "src" / "board.py").read_bytes()).hexdigest()[:16]
    old = _descriptor_of(os.environ.get("IRIS_BOARD", ""))
    if old is not None and os.environ.get("IRIS_BOARD_LAYOUT") == layout:
        return
    if old is not None:
        os.close(old)  # the workers that still use it have descriptors of their own
    if hasattr(os, "memfd_create"):
        new = os.memfd_create("iris-board")
        os.environ["IRIS_BOARD"] = f"{new}:{os.fstat(new).st_ino}"
        os.environ["IRIS_BOARD_LAYOUT"] = layout


def on_starting(server: Any) -> None:
    """Tell the application how many threads it really has: the command line may have said another number."""
    os.environ["IRIS_THREADS"] = str(server.cfg.threads)


_keep_board()

chdir = str(_BACKEND)
bind = os.environ.get("IRIS_BIND", "127.0.0.1:8080")
worker_class = "src.json_worker.JsonWorker"
workers = int(os.environ.get("IRIS_WORKERS", "2"))
# A thread that waits for the model costs little, and all but two of a worker may (src/admission.py).
threads = int(os.environ.get("IRIS_THREADS", "64"))
preload_app = False
timeout = 120
graceful_timeout = timeout  # on a reload, calls of the model may end
keepalive = 5
control_socket_disable = True  # systemd and signals control it; no second way in
if _SHARED_MEMORY.is_dir():
    worker_tmp_dir = str(_SHARED_MEMORY)

# "-" is standard output and standard error: the journal under systemd.
accesslog: str | None = os.environ.get("IRIS_ACCESS_LOG") or "-"
if accesslog == "off":
    accesslog = None
errorlog = os.environ.get("IRIS_ERROR_LOG") or "-"
logger_class = "src.request_log.RequestLog"
