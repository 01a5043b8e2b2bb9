"""A job: a command that the host starts at most once and carries on with whatever becomes of us; we only watch."""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from iris_migrate.changes import HostCommand, HostScript
from iris_migrate.connections.host.channels import Channels
from iris_migrate.connections.host.command import Command, Kept, ask_again, filled, reading, refuse_root
from iris_migrate.connections.host.errors import ConnectionLost, HostFailure
from iris_migrate.connections.host.lines import HandOver, Splitter, shown
from iris_migrate.redact import clean_bytes

TAIL = 200  # lines of output that a result holds
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What to run. Either `argv` or `script` (for `sh`). Secrets only in `stdin` and `env`."""

    id: str
    argv: tuple[str, ...] = ()
    script: str = ""
    root: bool = False
    user: str = ""  # empty: root, or the login user
    cwd: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: bytes | None = field(default=None, repr=False)
    timeout: float = 600.0

    @classmethod
    def of(cls, change: HostCommand | HostScript, identity: str) -> Job:
        """The job of a filled Change."""
        env = {name: str(value) for name, value in change.env.items()}
        if isinstance(change, HostScript):
            return cls(
                id=identity, script=str(change.script), root=change.root, user=change.user, env=env,
                timeout=change.timeout,
            )  # fmt: skip
        stdin = None if change.stdin is None else str(change.stdin).encode()
        return cls(
            id=identity, argv=tuple(str(word) for word in change.argv), root=change.root, user=change.user,
            cwd=change.cwd, env=env, stdin=stdin, timeout=change.timeout,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class JobResult:
    """How it ended. `state`: ended | interrupted | cancelled | timeout. `status` is None when there is none.

    `attached`: it had been started before. `read`: bytes of output read so far.
    """

    status: int | None
    state: str
    lines_tail: tuple[str, ...] = ()
    attached: bool = False
    read: int = 0


# What the job's first shell reads before the job's own standard input: nothing of it is on a command line.
def prelude(job: Job) -> str:
    """Exports, folder and command."""
    lines = ["umask 022", "export LANG=C.UTF-8"]
    for name, value in job.env.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise HostFailure(f"{name!r} cannot be the name of an environment variable.")
        lines.append(f"export {name}={shlex.quote(value)}")
    if job.cwd:
        lines.append(f"cd -- {shlex.quote(job.cwd)} || exit 126")
    if job.stdin is None:
        lines.append("exec </dev/null")
    lines.append(job.script if job.script else f"exec {shlex.join(job.argv)}")
    return "\n".join(lines) + "\n"


# The supervisor: a session of its own. `pid` holds its pid, its start (a pid may be used again) and the job's group.
_SUPERVISE = r"""
d=$1 limit=$2 size=$3 user=$4
exec 3<"$d/input"; rm -f -- "$d/input"
read -r x </proc/$$/stat; x=${x##*) }; set -- $x; start=${20}
read -r began _ </proc/uptime
set -- sh -c 'eval "$(head -c "$0")"' "$size"
if [ "$(id -un)" = "$user" ]; then :
elif command -v sudo >/dev/null 2>&1; then set -- sudo -n -u "$user" -- "$@"
else set -- runuser -u "$user" -- "$@"; fi
timeout -k 10 "$limit" "$@" <&3 3<&- >"$d/output" 2>&1 &
c=$!
exec 3<&-
echo "$$ $start $c" >"$d/pid.new" && mv "$d/pid.new" "$d/pid"
wait "$c"; s=$?
read -r ended _ </proc/uptime
late=0; case $s in 124|137) [ $((${ended%.*} - ${began%.*} + 1)) -lt "${limit%.*}" ] || late=1 ;; esac
echo "$s $late" >"$d/result.new" && mv "$d/result.new" "$d/result"
"""

_START = r"""
umask 077
b=@BASE@ d=@BASE@/@ID@
mkdir -p -- "$b" || exit 1
head -c @INPUT@ >"$b/.input.$$" && [ "$(wc -c <"$b/.input.$$")" -eq @INPUT@ ] || { rm -f -- "$b/.input.$$"
echo 'not all of the input came' >&2; exit 1; }
if mkdir -- "$d" 2>/dev/null; then
mv -- "$b/.input.$$" "$d/input" && : >"$d/output" || { rm -rf -- "$d"; exit 1; }
setsid sh -c @SUPERVISE@ sh "$d" @LIMIT@ @SIZE@ @USER@ </dev/null >/dev/null 2>&1 &
echo started >&2
else rm -f -- "$b/.input.$$"; [ -d "$d" ] || { echo "$d cannot be made" >&2; exit 1; }
echo attached >&2; fi
"""

_WATCH = r"""
n=0; until [ -e "$d/pid" ] || [ $n -ge 100 ]; do n=$((n+1)); sleep 0.02; done
alive() { read -r x </proc/$p/stat && x=${x##*) } && set -- $x && [ "${20}" = "$start" ]; }
if read -r p start c <"$d/pid"; then
if alive 2>/dev/null; then
exec 3<&0
tail -s 0.02 --pid="$p" -c +@FROM@ -f -- "$d/output" & t=$!
{ IFS= read -r _ <&3; kill "$t"; } >/dev/null 2>&1 & w=$!
wait "$t"; kill "$w" 2>/dev/null
else tail -c +@FROM@ -- "$d/output"; fi
fi 2>/dev/null
if [ -e "$d/result" ]; then read -r s late <"$d/result"; k=0; [ ! -e "$d/cancelled" ] || k=1
echo "result $s $late $k" >&2
else echo gone >&2; fi
"""

_CANCEL = r"""
d=@BASE@/@ID@
[ -d "$d" ] || { echo 'it was never started'; exit 0; }
[ ! -e "$d/result" ] || { echo 'it had ended before'; exit 0; }
: >"$d/cancelled"
read -r p start c <"$d/pid" || { echo 'it has no process'; exit 0; }
members() { for f in /proc/[0-9]*/stat; do read -r x <"$f" || continue
i=${x%% *} m=${x#*\(}; m=${m%)*}; x=${x##*) }; set -- $x
[ "$4" != "$p" ] || [ "$i" = "$p" ] || [ "$1" = Z ] || echo "$m ($i)"; done; } 2>/dev/null
was=$(members)
[ "$was" ] || { echo 'nothing of it was running'; exit 0; }
for signal in TERM KILL; do
kill -s $signal -- "-$c" 2>/dev/null
for one in $(members | sed 's/.*(\([0-9]*\))$/\1/'); do kill -s $signal "$one" 2>/dev/null; done
read -r up _ </proc/uptime; until=$((${up%.*} + 4))
while now=$(members); [ "$now" ] && [ "${up%.*}" -lt "$until" ]; do sleep 0.05; read -r up _ </proc/uptime; done
[ "$now" ] || break
done
if [ "$now" ]; then echo "still there after SIGKILL: "$now; else echo "ended by SIG$signal: "$was; fi
"""


class Jobs:
    """Starts, watches, resumes and cancels jobs. `login` is the user that logs in."""

    def __init__(self, channels: Channels, root: str, login: str) -> None:
        self._channels, self._login = channels, login
        self._base = f"{root}/run/iris-migrate"

    async def run(self, job: Job, on_lines: Callable[[Sequence[str]], None], *, offset: int = 0) -> JobResult:
        """Start it, or attach, and read on from byte `offset`. A lost connection is made again and the watch goes on.

        Raises HostFailure when it cannot be started, ConnectionLost when the host stays away.
        """
        tail: deque[str] = deque(maxlen=TAIL)

        def take(lines: Sequence[str]) -> None:
            tail.extend(lines)
            on_lines(lines)

        attached, first = False, True
        while True:
            lines = Splitter()
            lines.read = offset
            try:
                said = await self._watch(job, offset, lines, HandOver(take))
            except ConnectionLost as error:
                self._channels.lost(str(error))
                await self._channels.reconnect(job.timeout + 60)
                said = ""
            attached = attached or (first and "attached" in said.splitlines())
            first = False
            if ended := re.search(r"^result (\d+) ([01]) ([01])$", said, re.MULTILINE):
                take([shown(line) for line in lines.rest()])
                return _result(int(ended[1]), ended[2] == "1", ended[3] == "1", tail, attached, lines.read)
            if re.search(r"^gone$", said, re.MULTILINE):
                take([shown(line) for line in lines.rest()])
                return JobResult(None, "interrupted", tuple(tail), attached, lines.read)
            offset = lines.read - lines.held

    async def has(self, identity: str) -> bool:
        """Whether a job of this id was ever started since the host booted."""
        return (await self._ask(f"[ ! -d {shlex.quote(self._folder(identity))} ] || echo yes")) == "yes"

    async def cancel(self, identity: str) -> str:
        """End it, first kindly. Says what was seen to end."""
        self._folder(identity)
        return await self._ask(self._filled(_CANCEL, ID=identity))

    async def _watch(self, job: Job, offset: int, lines: Splitter, hand_over: HandOver[str]) -> str:
        """One watch over one connection; what the watching shell said. Raises ConnectionLost, HostFailure."""
        self._folder(job.id)
        before = prelude(job).encode()
        feed = before + (job.stdin or b"")
        user = job.user or ("root" if job.root else self._login)
        text = self._filled(
            _START + _WATCH, ID=job.id, INPUT=str(len(feed)), SIZE=str(len(before)), LIMIT=f"{job.timeout:.3f}",
            USER=shlex.quote(user), FROM=str(offset + 1), SUPERVISE=shlex.quote(_SUPERVISE),
        ).encode()  # fmt: skip

        def out(data: bytes) -> None:
            if found := lines.feed(data):
                hand_over([shown(line) for line in found])

        err = Kept(16384)
        command = await Command.start(self._channels, reading(len(text), root=True), out=out, err=err)
        try:
            command.send(text + feed)
            end = await command.ended
        finally:
            await command.close()
        said = clean_bytes(bytes(err.data))
        if end.status is None:
            raise ConnectionLost(end.error or "it ended in the middle")
        if end.status != 0:
            refuse_root(said)
            raise HostFailure(f"The job could not be started: {said.strip() or f'status {end.status}'}.")
        return said

    async def _ask(self, script: str) -> str:
        answer = await ask_again(self._channels, script, root=True)
        if answer.status != 0:
            raise HostFailure(answer.err or f"The host answered with status {answer.status}.")
        return clean_bytes(answer.out).strip()

    def _folder(self, identity: str) -> str:
        if not _ID.fullmatch(identity):
            raise HostFailure(f"{identity!r} cannot name a job.")
        return f"{self._base}/{identity}"

    def _filled(self, script: str, **values: str) -> str:
        return filled(script, BASE=shlex.quote(self._base), **values)


def _result(status: int, late: bool, cancelled: bool, tail: deque[str], attached: bool, read: int) -> JobResult:
    state = "cancelled" if cancelled else "timeout" if late else "ended"
    return JobResult(status, state, tuple(tail), attached, read)
