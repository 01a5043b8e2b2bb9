"""What gunicorn loads: `src.server:app`. `python -m src.server` serves it for development on 127.0.0.1:8080."""

from __future__ import annotations

import gc
import os

from .application import create_app

__all__ = ["app", "create_app"]

app = create_app()
gc.collect()
gc.freeze()  # what is loaded now stays: the collector shall not go through it again while requests wait (20 ms)


def main() -> None:
    """The development server; threaded, without reloader or debugger."""
    host, _, port = os.environ.get("IRIS_BIND", "127.0.0.1:8080").rpartition(":")
    app.run(host=host, port=int(port), threaded=True)


if __name__ == "__main__":
    main()
