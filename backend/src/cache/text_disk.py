"""A diskcache `Disk` that keeps text and nothing else.

diskcache unpickles rows of mode 4 and keys that are not raw, so whoever can write the cache file could run code
(CVE-2025-69872; its JSONDisk does not help). Here every other row is refused on reading.
"""

from __future__ import annotations

from typing import Any

from diskcache import Disk
from diskcache.core import MODE_RAW, UNKNOWN


class RefusedRow(ValueError):
    """A row of the cache is not text; it was not looked into."""


class TextDisk(Disk):  # type: ignore[misc]
    """Stores `str` as SQLite text in the row itself; never a file, never a pickle."""

    def put(self, key: Any) -> tuple[str, bool]:
        """The database form of a key."""
        return _text(key), True

    def get(self, key: Any, raw: Any) -> str:
        """The key of a row, if it is text."""
        if not raw:
            raise RefusedRow("a key is not text")
        return _text(key)

    def store(self, value: Any, read: bool, key: Any = UNKNOWN) -> tuple[int, int, None, str]:
        """The database form of a value."""
        if read:
            raise RefusedRow("a stream cannot be kept")
        return 0, MODE_RAW, None, _text(value)

    def fetch(self, mode: Any, filename: Any, value: Any, read: bool) -> str:
        """The value of a row, if it is text in the row itself."""
        if mode != MODE_RAW or filename is not None or read:
            raise RefusedRow("a value is not text")
        return _text(value)

    def remove(self, file_path: Any) -> None:
        """Nothing of ours lies in a file; a planted file name must not delete one."""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise RefusedRow(f"{type(value).__name__} instead of text")
    return value
