"""Programs to measure: the service from the tests of `backend/`, and the bare view under the same gunicorn settings."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "backend" / "tests"))

from model_server import GOOD, ModelServer, reply  # noqa: E402
from service import BACKEND, KEY, Service, free_port, json_headers, request_body, until  # noqa: E402

__all__ = [
    "BACKEND", "GOOD", "HERE", "KEY", "BareService", "ModelServer", "Service",
    "free_port", "json_headers", "reply", "request_body", "ten_kilobytes", "until",
]  # fmt: skip


class BareService(Service):
    """The same gunicorn settings; the bare view in place of the application; gunicorn's access log is off."""

    def __init__(self, folder: Path, answer: bytes) -> None:
        folder.mkdir(exist_ok=True)
        kept = folder / "answer.json"
        kept.write_bytes(answer)
        super().__init__(
            folder,
            "http://127.0.0.1:9",
            target="bare:app",
            PYTHONPATH=str(HERE),
            BARE_ANSWER=str(kept),
            IRIS_ACCESS_LOG="off",
        )


def ten_kilobytes(seed: int = 0) -> str:
    """A source of 10 KB in about 250 lines."""
    lines = [f"def function_{seed}_{number}(left, right): return left + right" for number in range(200)]
    return "\n".join(lines)[: 10 * 1024]
