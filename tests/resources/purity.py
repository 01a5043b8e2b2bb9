"""A block in which nothing may touch the world: sockets, files, processes, clocks and randomness raise."""

from __future__ import annotations

import builtins
import os
import pathlib
import random
import secrets
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

_FORBIDDEN: tuple[tuple[Any, str], ...] = (
    (builtins, "open"), (os, "open"), (os, "stat"), (os, "listdir"), (os, "system"), (os, "urandom"), (os, "getenv"),
    (pathlib.Path, "open"), (pathlib.Path, "read_text"), (pathlib.Path, "exists"), (pathlib.Path, "stat"),
    (socket, "socket"), (socket, "getaddrinfo"), (subprocess, "Popen"), (subprocess, "run"),
    (time, "time"), (time, "monotonic"), (time, "sleep"), (random, "random"), (random, "choice"), (uuid, "uuid4"),
    (secrets, "token_hex"), (secrets, "token_bytes"),
)  # fmt: skip


class TouchedTheWorld(AssertionError):
    """`plan` or `undo` did something besides thinking."""


@contextmanager
def nothing_but_thought() -> Iterator[None]:
    """Raise TouchedTheWorld from whatever is called inside that reads, writes, asks the time or a die."""
    patches = []
    for owner, name in _FORBIDDEN:

        def refuse(*_args: Any, _name: str = f"{owner.__name__}.{name}", **_more: Any) -> Any:
            raise TouchedTheWorld(_name)

        patches.append(mock.patch.object(owner, name, refuse))
    try:
        for patch in patches:
            patch.start()
        yield
    finally:
        for patch in reversed(patches):
            patch.stop()
