"""One batch: questions merged by kind into few processes, as one POSIX shell script; its framed answers."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

CAP = 65536  # bytes of a probe's output that are kept
AT_ONCE = 16  # free shells that run at a time
ARGUMENTS = 60_000  # bytes of arguments to one process


@dataclass(frozen=True, slots=True)
class Answer:
    """What one process answered. `cut`: there was more than the cap."""

    status: int
    out: bytes
    err: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fact: how many items are asked by one process, and how its answer is read.

    `argv(items, mark)` is the process; `mark` is random and may separate parts of the output. `read(items, answer,
    mark)` gives one result an item: a value, an exception, or `NOTHING` where the answer has none.
    `feed(item)` goes to standard input, and never stands on a command line; only for kinds that ask one at a time.
    """

    name: str
    argv: Callable[[Sequence[Any], str], list[str]]
    read: Callable[[Sequence[Any], Answer, str], list[Any]]
    together: int = 500
    cap: Callable[[int], int] = lambda count: CAP
    feed: Callable[[Any], bytes] | None = None
    free: bool = False  # a free shell: at most 16 at a time


NOTHING = object()


@dataclass(frozen=True, slots=True)
class Question:
    kind: Kind
    item: Hashable
    root: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """One process of a batch."""

    id: str
    kind: Kind
    items: tuple[Any, ...]
    root: bool


def pieces(questions: Iterable[Question]) -> list[Piece]:
    """The questions merged: one process a kind, more where the arguments would be too long."""
    groups: dict[tuple[str, bool], list[Question]] = {}
    for question in questions:
        groups.setdefault((question.kind.name, question.root), []).append(question)
    made: list[Piece] = []
    for group in groups.values():
        kind, size = group[0].kind, 0
        items: list[Any] = []
        for question in group:
            length = len(str(question.item)) + 3
            if items and (len(items) >= kind.together or size + length > ARGUMENTS):
                made.append(Piece(str(len(made)), kind, tuple(items), question.root))
                items, size = [], 0
            items.append(question.item)
            size += length
        made.append(Piece(str(len(made)), kind, tuple(items), group[0].root))
    return sorted(made, key=lambda piece: piece.kind.free)


# The shell that answers batches one after another; it ends with its standard input.
SHELL = "exec sh -c " + shlex.quote('exec 3<&0 4>&2 7>&1; while IFS= read -r n; do eval "$(head -c "$n")"; done')

# fd 3: the channel's standard input, 7: where frames go, 8: a pipe with one token (who has it may write a frame),
# 9: a pipe with a token for each free shell that may run. A frame is one line: mark, piece, o|e|s, content.
# `timeout` makes a process group of its own, so each probe's shell passes TERM on to it; a part that sees its
# standard input end sends TERM to the whole group.
_PART = r"""
LC_ALL=C QUOTING_STYLE=literal GIT_OPTIONAL_LOCKS=0; export LC_ALL QUOTING_STYLE GIT_OPTIONAL_LOCKS
say() { IFS= read -r _ <&8; printf '%s %s\n' "$B" "$*" >&7; echo >&8; }
put() { v=$(head -c "$3" | base64 -w 0); say "$1" "$2" "$v"; }
probe() { i=$1 c=$2; shift 2
{ { trap 'kill -s TERM "$t" 2>/dev/null; exit 143' TERM
timeout -k 1 "$N" "$@" <&6 6<&- 3<&- 4>&- 5>&- 7>&- 8<&- 9<&- & t=$!
wait "$t"; s=$?; say "$i" s "$s"; } 2>&1 >&5 | put "$i" e "$c"; } 6<&0 5>&1 | put "$i" o "$c"; }
: | { exec 8<>/proc/self/fd/0; : | { exec 9<>/proc/self/fd/0
echo >&8; printf '%s' "$A" >&9
w= p=
"""
# Only one may read what is left of standard input: root's part where there is one, else the user's.
_WATCH = r"""{ IFS= read -r _ <&3 || kill -s TERM -- "-$G" "-$$"; } >/dev/null 2>&1 & w=$!
"""
_END = """wait $p
[ -z "$w" ] || { kill "$w" 2>/dev/null; wait "$w" 2>/dev/null; }
say end s "$?"; } }
"""
_ROOT = r"""
S=; command -v sudo >/dev/null 2>&1 && S='sudo -n'
{ m=; if [ "$S" ] || [ "$(id -u)" = 0 ]
then if m=$($S sh -c 'G=$1; exec 3<&0 7>&1; eval "$(head -c "$0")"' @SIZE@ "$G" 2>&1 >&4 <&3)
then m=; else m="$m "; fi
else m='sudo: there is no sudo here and this is not root'; fi
case $m in '') ;; *) say root e "$(printf %s "$m" | base64 -w 0)" ;; esac
} & p="$p $!"
"""


@dataclass(frozen=True, slots=True)
class Script:
    """A batch as it is sent: a line with the length of what follows, then the user's part, then root's."""

    text: bytes
    parts: int


def script(made: Sequence[Piece], mark: str, limit: float) -> Script:
    """The script for these pieces. `mark` is random; `limit` seconds for each process."""
    rooted = [piece for piece in made if piece.root]
    head = f"B={mark} N={limit:g} A={shlex.quote(chr(10) * AT_ONCE)}\n"
    below = _part([_WATCH, *(_run(piece, mark) for piece in rooted)], head).encode() if rooted else b""
    plain = [_run(piece, mark) for piece in made if not piece.root]
    if rooted:
        plain.insert(0, _ROOT.replace("@SIZE@", str(len(below))))
    else:
        plain.insert(0, _WATCH)
    above = _part(plain, head + "G=$$\n").encode()
    return Script(b"%d\n" % len(above) + above + below, 2 if rooted else 1)


def _part(runs: Sequence[str], head: str) -> str:
    return head + _PART + "".join(runs) + _END


def _run(piece: Piece, mark: str) -> str:
    kind = piece.kind
    argv = shlex.join(kind.argv(piece.items, mark))
    cap = kind.cap(len(piece.items)) + 1
    source = "</dev/null"
    run = f"probe {piece.id} {cap} {argv}"
    if kind.feed is not None:
        # printf is the shell's own: what it prints is on no command line.
        run = f"printf %s {shlex.quote(base64.b64encode(kind.feed(piece.items[0])).decode())} | base64 -d | {run}"
        source = ""
    if kind.free:
        return f'IFS= read -r _ <&9; {{ {run} {source}; echo >&9; }} & p="$p $!"\n'
    return f'{{ {run} {source}; }} & p="$p $!"\n'


class Frames:
    """Takes answers out of what a batch writes, in pieces of any size."""

    def __init__(self) -> None:
        self._mark = b""
        self._rest: dict[str, bytearray] = {}
        self._open: dict[str, dict[str, bytes]] = {}

    def begin(self, mark: str) -> None:
        """Wait for another batch's frames; anything else is ignored."""
        self._mark = mark.encode() + b" "
        self._open.clear()

    def feed(self, stream: str, data: bytes) -> list[tuple[str, Answer]]:
        """The answers that are complete now: (piece id, answer). Ids `end` and `root` are the batch's own."""
        rest = self._rest.setdefault(stream, bytearray())
        rest += data
        if b"\n" not in data:
            return []
        *lines, last = bytes(rest).split(b"\n")
        self._rest[stream] = bytearray(last)
        return [found for line in lines if line.startswith(self._mark) for found in self._frame(line)]

    def _frame(self, line: bytes) -> list[tuple[str, Answer]]:
        _, name, stream, content = (line + b" ").split(b" ", 3)
        piece, content = name.decode(), content.strip()
        if piece == "end":
            return [(piece, Answer(0, b"", ""))]
        if piece == "root":
            return [(piece, Answer(1, b"", _text(content)))]
        parts = self._open.setdefault(piece, {})
        parts[stream.decode()] = content
        if len(parts) < 3:
            return []
        out = base64.b64decode(parts["o"])
        del self._open[piece]
        return [(piece, Answer(int(parts["s"]), out, _text(parts["e"])))]


def _text(content: bytes) -> str:
    return base64.b64decode(content).decode("utf-8", "replace")
