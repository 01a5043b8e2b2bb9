"""Answers on this host's disk: diskcache (SQLite) in a directory of the service user, 0700."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from diskcache import Cache, Timeout

from .store import RefusedEntry, StoreFault, Usage
from .text_disk import RefusedRow, TextDisk

_FAULTS = (sqlite3.Error, OSError, Timeout)
_LOCK_PATIENCE = 2.0  # seconds for another worker's write

Result = TypeVar("Result")


class DiskStore:
    """A `Store` in a directory. After a fault it is opened anew, so a mended directory is used without a restart."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._opening = threading.Lock()
        self._cache: Any = None
        self._opened_inode: int | None = None

    @property
    def place(self) -> str:
        """The directory."""
        return str(self._directory)

    def open(self) -> None:
        """Opening a diskcache writes its settings: that is the first write."""
        self._try(lambda cache: None)

    def get(self, key: str) -> str | None:
        """The text, unless its time is over."""
        text: str | None = self._try(lambda cache: cache.get(key))
        return text

    def put(self, key: str, text: str, seconds: float) -> None:
        """In one transaction: it is there whole or not at all, whenever this process is killed."""
        if not self._try(lambda cache: cache.set(key, text, expire=seconds)):
            raise StoreFault("the entry was not written")

    def usage(self) -> Usage:
        """Entries and bytes on the disk."""
        return self._try(lambda cache: Usage(len(cache), cache.volume()))

    def oldest(self) -> float | None:
        """Read from the database itself: diskcache offers the oldest row only together with its deletion."""
        try:
            with sqlite3.connect(f"file:{self._directory / 'cache.db'}?mode=ro", uri=True, timeout=1) as database:
                found = database.execute("SELECT MIN(store_time) FROM Cache").fetchone()[0]
            database.close()
        except sqlite3.Error as error:
            raise StoreFault(type(error).__name__) from error
        return None if found is None else float(found)

    def _try(self, action: Callable[[Any], Result]) -> Result:
        try:
            return action(self._opened())
        except RefusedRow as error:
            raise RefusedEntry from error
        except _FAULTS as error:
            if not isinstance(error, Timeout):
                self._cache = None
            raise StoreFault(f"{type(error).__name__}: {error}") from error

    def _opened(self) -> Any:
        """The cache, opened anew when its file was taken away: SQLite would go on writing where nobody finds it."""
        cache = self._cache
        if cache is None or self._inode() != self._opened_inode:
            with self._opening:
                if self._cache is None or self._inode() != self._opened_inode:
                    self._prepare_directory()
                    self._cache = self._new_cache()
                    self._opened_inode = self._inode()
                cache = self._cache
        return cache

    def _inode(self) -> int | None:
        try:
            return (self._directory / "cache.db").stat().st_ino
        except OSError:
            return None

    def _new_cache(self) -> Any:
        return Cache(
            str(self._directory),
            timeout=_LOCK_PATIENCE,
            disk=TextDisk,
            size_limit=self._max_bytes,
            eviction_policy="least-recently-stored",  # reading writes nothing
            sqlite_cache_size=256,  # pages for each thread's connection: 1 MB
            sqlite_mmap_size=0,
        )

    def _prepare_directory(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self._directory.stat()
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o022:
            self._directory.chmod(0o700)
