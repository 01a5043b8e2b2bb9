"""Following: lines as the host writes them, on from the cursor after a lost connection; none lost, none twice."""

from __future__ import annotations

import asyncio
import re
import secrets
import shlex
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol

from iris_migrate.connections.host.channels import Channels
from iris_migrate.connections.host.command import Command, Kept, ask_again, filled, reading, refuse_root
from iris_migrate.connections.host.errors import ConnectionLost, HostFailure
from iris_migrate.connections.host.journal import INFO, File, Journal, Line, arguments, entries
from iris_migrate.connections.host.lines import HandOver, Splitter, shown
from iris_migrate.redact import clean_bytes
from iris_migrate.target import Clock

FOREVER = 86400.0 * 365
AT_ONCE = 1000  # lines in one batch: whoever takes a burst lives on between two of them
_Waiting = asyncio.Queue[tuple[Sequence[Line], Callable[[], None]]]  # lines, and how to tell that they were taken

# A plain `-f` on a unit without entries loses its first lines; after the cursor of any entry it does not.
_JOURNAL = r"""
exec 3<&0
c=@CURSOR@
[ "$c" ] || c=$(journalctl -q --no-pager -n 1 -o json --output-fields=_BOOT_ID |
sed -n 's/.*"__CURSOR" *: *"\([^"]*\)".*/\1/p')
echo "cursor $c" >&2
set -- @ARGUMENTS@ -f --no-tail
[ -z "$c" ] || set -- "$@" --after-cursor="$c"
journalctl "$@" & j=$!
{ IFS= read -r _ <&3; kill "$j"; } >/dev/null 2>&1 & w=$!
wait "$j"; s=$?
kill "$w" 2>/dev/null
exit "$s"
"""

# The open file is followed, and each time another one stands under the name a mark tells its inode and offset.
_FILE = r"""
exec 3<&0
p=@PATH@ i=@INODE@ from=@OFFSET@ t=
trap '[ -z "$t" ] || kill "$t" 2>/dev/null; exit 0' TERM
{ IFS= read -r _ <&3; kill "$$"; } >/dev/null 2>&1 &
size() { stat -L -c %s -- "$1"; }
inode() { stat -L -c %i -- "$1" 2>/dev/null; }
if [ "$i" = end ]; then i=0 from=0; [ ! -f "$p" ] || from=$(size "$p")
elif [ "$i" != 0 ] && [ "$(inode "$p")" != "$i" ]; then
old=$(find "$(dirname -- "$p")" -maxdepth 1 -inum "$i" ! -name '*.gz' 2>/dev/null | head -n 1)
[ -z "$old" ] || { echo "@MARK@ $i $from"; tail -c +$((from+1)) -- "$old"; }
from=0; fi
while :; do
until [ -f "$p" ] && exec 4<"$p"; do sleep 0.5; done
i=$(inode /proc/$$/fd/4)
[ "$(size /proc/$$/fd/4)" -ge "$from" ] || from=0
echo "@MARK@ $i $from"
tail -s 0.2 -c +$((from+1)) -f <&4 & t=$!
exec 4<&-
n=0; while [ $n -lt 2 ]; do sleep 0.5; now=$(inode "$p"); if [ "$now" ] && [ "$now" != "$i" ]; then n=$((n+1)); fi; done
kill "$t"; wait "$t" 2>/dev/null; from=0
done
"""


class _Reader(Protocol):
    """What differs between the journal and a file: the script that goes on, and what becomes of its bytes."""

    def script(self) -> str: ...
    def take(self, data: bytes) -> list[Line]: ...
    def note(self, said: str) -> None: ...


class _JournalReader:
    def __init__(self, source: Journal) -> None:
        self._source, self._cursor = source, source.cursor
        self._lines = Splitter()

    def script(self) -> str:
        self._lines = Splitter(longest=1 << 24)
        return filled(_JOURNAL, CURSOR=shlex.quote(self._cursor), ARGUMENTS=arguments(self._source.unit))

    def take(self, data: bytes) -> list[Line]:
        found = entries(self._lines.feed(data))
        if found:
            self._cursor = found[-1].cursor
        return found

    def note(self, said: str) -> None:
        """Where it began: a connection lost before the first line goes on from there."""
        if not self._cursor and (began := re.search(r"^cursor (\S+)$", said, re.MULTILINE)):
            self._cursor = began[1]


class _FileReader:
    def __init__(self, source: File, now: Callable[[], float]) -> None:
        self._path, self._now = source.path, now
        self._inode, _, offset = (source.cursor or "end:0").partition(":")
        self._offset = int(offset)
        self._mark = b""
        self._rest = b""

    def script(self) -> str:
        mark = secrets.token_hex(16)
        self._mark, self._rest = mark.encode() + b" ", b""
        return filled(_FILE, PATH=shlex.quote(self._path), INODE=self._inode, OFFSET=str(self._offset), MARK=mark)

    def take(self, data: bytes) -> list[Line]:
        """Lines; a mark may stand at the end of a line that was never ended."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        found: list[Line] = []
        for line in lines:
            before, mark, after = line.partition(self._mark)
            if not mark:
                found.append(self._line(line, len(line) + 1))
                continue
            if before:
                found.append(self._line(before, len(before)))
            inode, _, offset = after.decode("ascii", "replace").partition(" ")
            self._inode, self._offset = inode, int(offset)
        return found

    def note(self, said: str) -> None:
        if "file truncated" in said:
            self._offset = 0

    def _line(self, line: bytes, size: int) -> Line:
        self._offset += size
        return Line(self._now(), self._path, 0, INFO, shown(line), f"{self._inode}:{self._offset}")


class Follower:
    """Follows sources side by side, each on a channel of its own."""

    def __init__(self, channels: Channels, clock: Clock) -> None:
        self._channels, self._clock = channels, clock

    async def follow(self, *sources: Journal | File) -> AsyncGenerator[list[Line], None]:
        """Batches of about a thousand lines at most; what is not taken holds the host up. Close it (`aclose`) and
        nothing of it is left on the host.

        A lost connection is made again without end; the listener is told. Raises HostFailure when a source cannot be
        followed, HostKeyChanged when another host answers.
        """
        waiting: _Waiting = asyncio.Queue()
        tasks = [asyncio.create_task(self._one(source, waiting)) for source in sources]
        more = asyncio.create_task(waiting.get())
        try:
            while True:
                done, _ = await asyncio.wait({more, *tasks}, return_when=asyncio.FIRST_COMPLETED)
                if more not in done:
                    done.pop().result()
                    return
                lines, taken = more.result()
                batch = list(lines)
                taken()
                while not waiting.empty() and len(batch) < AT_ONCE:
                    lines, taken = waiting.get_nowait()
                    batch += lines
                    taken()
                more = asyncio.create_task(waiting.get())
                yield batch
        finally:
            for task in (more, *tasks):
                task.cancel()
            await asyncio.gather(more, *tasks, return_exceptions=True)

    async def journal(
        self, unit: str, *, since: float | None = None, until: float | None = None, after: str = "", limit: int = 1000
    ) -> list[Line]:
        """A slice: the first `limit` after a cursor, else the last `limit` between two times (host's clock)."""
        script = f"exec journalctl {arguments(unit)} -n {int(limit)}"
        # With a cursor or `--since`, -n counts from there; the newest first (-r) are the last.
        script += f" --after-cursor={shlex.quote(after)}" if after else " -r"
        if since is not None:
            script += f" --since=@{since:.6f}"
        if until is not None:
            script += f" --until=@{until:.6f}"
        answer = await ask_again(self._channels, script, root=True, limit=16 << 20)
        if answer.status != 0:
            raise HostFailure(f"The journal of {unit} cannot be read: {answer.err}")
        lines = answer.out.split(b"\n")
        return entries(lines if after else lines[::-1])

    async def _one(self, source: Journal | File, waiting: _Waiting) -> None:
        reader: _Reader = (
            _JournalReader(source) if isinstance(source, Journal) else _FileReader(source, self._clock.now)
        )

        def arrived(lines: Sequence[Line]) -> None:
            waiting.put_nowait((lines, hand_over.taken))

        hand_over = HandOver(arrived, waits=True)
        while True:
            try:
                await self._watch(reader, hand_over)
            except ConnectionLost as error:
                self._channels.lost(str(error))
            await self._channels.reconnect(FOREVER)

    async def _watch(self, reader: _Reader, hand_over: HandOver[Line]) -> None:
        """One connection's worth. Raises ConnectionLost, HostFailure."""
        script = reader.script().encode()
        kept = Kept(65536)

        def out(data: bytes) -> None:
            if found := reader.take(data):
                hand_over(found)

        def err(data: bytes) -> None:
            kept(data)
            reader.note(clean_bytes(data))

        command = await Command.start(self._channels, reading(len(script), root=True), out=out, err=err, held=True)
        try:
            command.send(script)
            end = await command.ended
        finally:
            await command.close()
        if end.status is None:
            raise ConnectionLost(end.error or "it ended in the middle")
        said = clean_bytes(bytes(kept.data)).strip()
        if end.status in (0, 143):  # journald's restart or rotation ended it: go on from the cursor
            await asyncio.sleep(0.5)
            return
        refuse_root(said)
        raise HostFailure(f"It cannot be followed: {said or f'status {end.status}'}")
