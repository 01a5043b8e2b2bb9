"""What a unit's processes write, line by line into the journal, as far as its rate limit lets it."""

from __future__ import annotations

import asyncio
import os
import re
import time

from iris_migrate.rehearsal.host.init.journal import SUPPRESSED, Journal, RateLimit


class Output:
    """The standard output and error of one run of a unit."""

    def __init__(self, journal: Journal, limit: RateLimit, unit: str, user: str, invocation: str, levels: bool) -> None:
        """`levels`: a prefix like `<3>` is a priority (SyslogLevelPrefix=)."""
        self._journal, self._limit, self._levels = journal, limit, levels
        self._fields = {
            "SYSLOG_FACILITY": 3, "_TRANSPORT": "stdout", "_UID": 0 if user == "root" else 999, "_SYSTEMD_UNIT": unit,
            "_SYSTEMD_INVOCATION_ID": invocation,
        }  # fmt: skip

    def listen(self, fd: int, pid: int, identifier: str) -> None:
        """Read a pipe of ours to its end; it is closed then."""
        rest = b""
        loop = asyncio.get_running_loop()

        def readable() -> None:
            nonlocal rest
            try:
                data = os.read(fd, 65536)
            except BlockingIOError:
                return
            *lines, rest = (rest + data).split(b"\n")
            if not data and rest:
                lines, rest = [rest], b""
            for line in lines:
                self._line(line, pid, identifier)
            if not data:
                loop.remove_reader(fd)
                os.close(fd)

        os.set_blocking(fd, False)
        loop.add_reader(fd, readable)

    def _line(self, line: bytes, pid: int, identifier: str) -> None:
        priority = re.match(rb"<([0-7])>", line) if self._levels else None
        passes, dropped = self._limit.admit(time.monotonic())
        if dropped:
            self._journal.write(
                SUPPRESSED.format(count=dropped, unit=self._fields["_SYSTEMD_UNIT"]), PRIORITY=6, _PID=1,
                SYSLOG_IDENTIFIER="systemd-journald", _TRANSPORT="driver", _SYSTEMD_UNIT="systemd-journald.service",
            )  # fmt: skip
        if passes and line:
            self._journal.write(
                line[3:] if priority else line, PRIORITY=int(priority.group(1)) if priority else 6,
                SYSLOG_IDENTIFIER=identifier, _COMM=identifier, _PID=pid, **self._fields,
            )  # fmt: skip
