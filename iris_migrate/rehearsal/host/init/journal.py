"""The journal: one JSON line an entry, with the fields, cursors and rate limit that journald has."""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

SUPPRESSED = "Suppressed {count} messages from {unit}"


def field(data: bytes) -> str | list[int]:
    """A field as `journalctl -o json` shows it: text, or numbers when it holds bytes that do not print."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return list(data)
    if any((ch < " " and ch not in "\t\n") or "\x7f" <= ch <= "\x9f" for ch in text):
        return list(data)
    return text


class RateLimit:
    """journald's limit for one unit: at most `burst` messages in `interval` seconds, the rest counted."""

    def __init__(self, interval: float = 30.0, burst: int = 10000) -> None:
        self.interval, self.burst = interval, burst
        self._began, self._passed, self._dropped = 0.0, 0, 0

    def admit(self, now: float) -> tuple[bool, int]:
        """Whether a message passes, and how many were dropped before (told once, with the next that passes)."""
        told = 0
        if now - self._began > self.interval:
            told, self._began, self._passed, self._dropped = self._dropped, now, 0, 0
        if self.burst and self.interval and self._passed >= self.burst:
            self._dropped += 1
            return False, 0
        self._passed += 1
        return True, told


class Journal:
    """The writer. Only init has one."""

    def __init__(self, path: Path, boot: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._boot = boot
        self._path = path
        self._source, self._number = self._continue()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _continue(self) -> tuple[str, int]:
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, self._path.stat().st_size - 65536))
                last = json.loads(file.read().splitlines()[-1])["__CURSOR"]
        except (OSError, IndexError, ValueError, KeyError):
            return secrets.token_hex(16), 0
        parts = dict(part.split("=", 1) for part in str(last).split(";"))
        return parts["s"], int(parts["i"], 16)

    def write(self, message: bytes | str, **fields: Any) -> None:
        """Append an entry. Times are the machine's own clocks, in microseconds."""
        real, mono = time.time_ns() // 1000, time.monotonic_ns() // 1000
        self._number += 1
        text = field(message if isinstance(message, bytes) else message.encode())
        cursor = (
            f"s={self._source};i={self._number:x};b={self._boot};m={mono:x};t={real:x};"
            f"x={hash((self._number, str(text))) & 0xFFFFFFFFFFFFFFFF:x}"
        )
        entry = {
            "__CURSOR": cursor,
            "__REALTIME_TIMESTAMP": str(real),
            "__MONOTONIC_TIMESTAMP": str(mono),
            "_BOOT_ID": self._boot,
            "_HOSTNAME": "practice",
            "PRIORITY": "6",
            **{name: value if isinstance(value, list) else str(value) for name, value in fields.items()},
            "MESSAGE": text,
        }
        os.write(self._file, json.dumps(entry, ensure_ascii=False).encode() + b"\n")

    def from_init(self, unit: str, message: str, *, priority: int = 6, **fields: Any) -> None:
        """An entry that systemd itself writes about a unit."""
        self.write(
            message, PRIORITY=priority, SYSLOG_IDENTIFIER="systemd", _PID=1, _COMM="systemd", _UID=0,
            _TRANSPORT="journal", _SYSTEMD_UNIT="init.scope", UNIT=unit, **fields,
        )  # fmt: skip
