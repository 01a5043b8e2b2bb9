"""Files of the host: written in one move, set aside before, put back, fetched."""

from __future__ import annotations

import hashlib
import posixpath
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from iris_migrate.connections.host.channels import Channels
from iris_migrate.connections.host.command import Command, Kept, ask_again, filled, reading, refuse_root
from iris_migrate.connections.host.errors import HostFailure
from iris_migrate.redact import clean_bytes

_CHANGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MODE = re.compile(r"[0-7]{3,4}")
_STATE = re.compile(r"\d+ \d+ \d+")  # inode, size, time
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\$?|\d+")


@dataclass(frozen=True, slots=True)
class WriteResult:
    """`kept` is "host" when what stood there before was set aside on the host, else empty."""

    kept: str


# Beside the target, so that the move is one rename; what stood there is set aside before, once for each change:
# a write that is tried again must not set aside its own content. `none` says that nothing stood there.
_WRITE = r"""
umask 022
trap '' PIPE # nobody may listen any more: what was begun is still cleared away
p=@PATH@ d=@FOLDER@ k=@KEPT@ c=@CHANGE@
fail() { echo "$*" >&2; exit 1; }
case $d in @STATE@|@STATE@/*) mkdir -p -- "$d" || exit 1 ;; esac
[ -d "$d" ] || fail "there is no folder $d"
[ ! -d "$p" ] || [ -L "$p" ] || fail "$p is a folder"
t= s=
trap '[ -z "$t" ] || rm -f -- "$t"; [ -z "$s" ] || rm -f -- "$s"' EXIT
trap 'exit 1' HUP INT TERM
umask 077
t=$(mktemp -- "$d/.iris-migrate.XXXXXXXX") || exit 1
@SOURCE@
chown -- @OWNER@ "$t" && chmod -- @MODE@ "$t" && sync -- "$t" || exit 1
if [ @KEEP@ = 1 ] && [ ! -e "$k/$c" ] && [ ! -e "$k/$c.none" ]; then
(umask 022; mkdir -p -- "$k") && chmod 0700 -- "$k" || exit 1
if [ -e "$p" ]; then s="$k/.$c.$$"; cp -p -- "$p" "$s" && sync -- "$s" && mv -T -- "$s" "$k/$c" || exit 1; s=
else : >"$k/$c.none" || exit 1; fi; fi
mv -T -- "$t" "$p" || exit 1; t=
sync -- "$d" || exit 1
[ ! -e "$k/$c" ] || [ @KEEP@ = 0 ] || echo kept
echo done
"""
_FROM_INPUT = """head -c @SIZE@ >"$t" || exit 1
[ "$(wc -c <"$t")" -eq @SIZE@ ] || fail 'not all of the content arrived'"""
_FROM_KEPT = """[ -f "$k/@FROM@" ] || fail 'nothing was set aside by that change'
cat -- "$k/@FROM@" >"$t" || exit 1"""

# What is fetched is told first: whole or not, another file or the same.
_FETCH = r"""
p=@PATH@
[ -f "$p" ] && [ -r "$p" ] || { echo "$p is no file that can be read" >&2; exit 1; }
echo "$(stat -L -c '%i %s %Y' -- "$p")" >&2
exec 3<&0
tail -c +@FROM@ -- "$p" & t=$!
{ IFS= read -r _ <&3; kill "$t"; } >/dev/null 2>&1 & w=$!
wait "$t" || exit 1
kill "$w" 2>/dev/null
echo "$(stat -L -c '%i %s %Y' -- "$p")" >&2
"""

_OWN_KEPT = '"$HOME"/.local/state/iris-migrate/kept'  # of a user who writes without being root


class Files:
    """Writes and fetches. `root` is the prefix of our own places on the host."""

    def __init__(self, channels: Channels, root: str) -> None:
        self._channels = channels
        self._state = f"{root}/var/lib/iris-migrate"

    async def write(
        self, path: str, content: bytes, *, mode: str, owner: str, group: str, root: bool, change: str, keep: bool
    ) -> WriteResult:
        """Replace a file. `keep`: set aside what stood there, under the change's id, 0700 root.

        Raises HostFailure when the host refuses; then the file is as it was.
        """
        source = filled(_FROM_INPUT, SIZE=str(len(content)))
        return await self._write(path, source, content, mode, owner, group, root, change, keep)

    async def restore(self, kept: str, path: str, *, mode: str, owner: str, group: str, root: bool) -> None:
        """Put back what the change `kept` set aside."""
        _checked(_CHANGE, kept, "change")
        source = filled(_FROM_KEPT, FROM=kept)
        await self._write(path, source, b"", mode, owner, group, root, kept, False)

    async def fetch(self, path: str, sink: Callable[[bytes], None], *, root: bool = True) -> str:
        """Stream a file, however large, to `sink` (called in a thread). The answer is its SHA-256.

        After a lost connection it goes on where it was. Raises HostFailure when the file changes meanwhile.
        """
        sha, read, known = hashlib.sha256(), 0, ""

        def out(data: bytes) -> None:
            nonlocal read
            sink(data)
            sha.update(data)
            read += len(data)

        while True:
            script = filled(_FETCH, PATH=shlex.quote(path), FROM=str(read + 1)).encode()
            err = Kept(16384)
            command = await Command.start(self._channels, reading(len(script), root=root), out=out, err=err)
            try:
                command.send(script)
                end = await command.ended
            finally:
                await command.close()
            said = clean_bytes(bytes(err.data)).split("\n")
            if end.status not in (0, None):
                refuse_root("\n".join(said))
                raise HostFailure(f"{path} cannot be fetched: {' '.join(said).strip()}.")
            states = {known, *(line for line in said if _STATE.fullmatch(line))} - {""}
            if len(states) > 1:
                raise HostFailure(f"{path} changed while it was fetched. Try again.")
            known = states.pop() if states else known
            if end.status == 0:
                if read != int(known.split()[1]):
                    raise HostFailure(f"{path}: {read} bytes came of {known.split()[1]}. Try again.")
                return sha.hexdigest()
            self._channels.lost(end.error)
            await self._channels.reconnect(60.0)

    async def _write(
        self,
        path: str,
        source: str,
        feed: bytes,
        mode: str,
        owner: str,
        group: str,
        root: bool,
        change: str,
        keep: bool,
    ) -> WriteResult:
        if not posixpath.isabs(path) or path.endswith("/") or "\0" in path:
            raise HostFailure(f"{path!r} is not the absolute path of a file.")
        _checked(_MODE, mode, "mode")
        _checked(_CHANGE, change, "change")
        owned = f"{_checked(_NAME, owner, 'owner')}:{_checked(_NAME, group, 'group')}"
        values = {
            "SOURCE": source, "PATH": shlex.quote(path), "FOLDER": shlex.quote(posixpath.dirname(path)),
            "KEPT": shlex.quote(f"{self._state}/kept") if root else _OWN_KEPT, "STATE": shlex.quote(self._state),
            "OWNER": owned, "MODE": mode, "CHANGE": change, "KEEP": "1" if keep else "0",
        }  # fmt: skip
        # Writing the same twice is the same as once, so a lost answer is asked for again.
        answer = await ask_again(self._channels, filled(_WRITE, **values), root=root, feed=feed)
        said = answer.out.decode("ascii", "replace").split()
        if answer.status != 0 or "done" not in said:
            raise HostFailure(f"{path} was not written: {answer.err or f'status {answer.status}'}. It is as it was.")
        return WriteResult("host" if "kept" in said else "")


def _checked(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise HostFailure(f"{text!r} cannot be the {what} of a file.")
    return text
