"""The kinds of facts: the process that answers many of them at once, and how its answer is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from iris_migrate.connections.host.batch import CAP, NOTHING, Answer, Kind
from iris_migrate.redact import clean, clean_bytes
from iris_migrate.target import (
    FileStat,
    Filesystem,
    GitState,
    HostClock,
    Listener,
    OsRelease,
    ProcessState,
    Shell,
    Unreadable,
)

TICKS = 100.0  # USER_HZ: what /proc counts in, 100 a second on every Linux that EC2 offers
_ABSENT = ("No such file or directory", "Not a directory")


def _missing(error: str) -> Any:
    """What an error line of coreutils means for one path: None when it is not there."""
    return None if error.endswith(_ABSENT) else Unreadable(clean(error))


def _in_order(items: Sequence[str], found: dict[str, Any], err: str, program: str) -> list[Any]:
    """Items with an answer get it; the others failed in the same order as the lines of standard error."""
    errors = [line for line in err.splitlines() if line.partition(": ")[0].rpartition("/")[2] == program]
    lost = [item for item in items if item not in found]
    told = dict(zip(lost, errors, strict=False)) if len(lost) == len(errors) else {}
    return [found[item] if item in found else _missing(told[item]) if item in told else NOTHING for item in items]


# stat

_STAT = "\x1e%n\x1f%F\x1f%a\x1f%U\x1f%G\x1f%s\x1f%.9Y\x1f%N"
_KINDS = {"regular file": "file", "regular empty file": "file", "directory": "directory", "symbolic link": "link"}


def _read_stat(items: Sequence[str], answer: Answer, mark: str) -> list[Any]:
    found: dict[str, Any] = {}
    for record in answer.out.decode("utf-8", "replace").split("\x1e")[1:]:
        name, kind, mode, owner, group, size, mtime, long = record.removesuffix("\n").split("\x1f")
        link = clean(long.removeprefix(f"{name} -> ")) if kind == "symbolic link" else ""
        found[name] = FileStat(
            _KINDS.get(kind, "other"), mode.zfill(4), clean(owner), clean(group), int(size), float(mtime), link
        )
    return _in_order(items, found, answer.err, "stat")


STAT = Kind("stat", lambda items, mark: ["stat", "-c", _STAT, "--", *items], _read_stat, cap=lambda n: n * 1024)

# Files by content: paths that are no readable regular file are told first, `number reason`, the rest are read.

# What is missing below a folder that may be searched is surely absent, and costs no process.
_SORT_OUT = """
m=$1; shift; i=0
for p do i=$((i+1))
if [ -f "$p" ] && [ -r "$p" ]; then continue; fi
q=$p; until [ -z "$q" ] || [ -e "$q" ] || [ -L "$q" ]; do q=${q%/*}; done
if [ "$q" != "$p" ] && [ -d "$q/" ] && [ -x "$q/" ]; then echo "$i absent"
else echo "$i $(stat -L -c 'it is a %F' -- "$p" 2>&1)"; fi; done
echo "$m"
for p do shift; if [ -f "$p" ] && [ -r "$p" ]; then set -- "$@" "$p"; fi; done
"""
_DIGEST = _SORT_OUT + '[ $# = 0 ] || exec sha256sum -- "$@"'
_TEXT = _SORT_OUT + f'for p do echo "$m"; head -c {CAP + 1} -- "$p"; done'


def _sorted_out(items: Sequence[str], head: bytes) -> dict[str, Any]:
    """What the first part of the output says: None for a path that is not there, else why it cannot be read."""
    told: dict[str, Any] = {}
    for line in clean_bytes(head).splitlines():
        number, _, reason = line.partition(" ")
        if number.isdigit():
            reason = "it may not be read" if reason.startswith("it is a regular") else reason
            told[items[int(number) - 1]] = None if reason == "absent" else _missing(reason)
    return told


def _read_digest(items: Sequence[str], answer: Answer, mark: str) -> list[Any]:
    head, _, rest = answer.out.partition(mark.encode() + b"\n")
    found = _sorted_out(items, head)
    for line in rest.decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        if digest.startswith("\\"):
            digest, name = digest[1:], name.replace("\\\\", "\\")
        found[name] = digest
    return _in_order(items, found, answer.err, "sha256sum")


def _read_text(items: Sequence[str], answer: Answer, mark: str) -> list[Any]:
    head, _, *parts = [*answer.out.split(mark.encode() + b"\n"), b""]
    parts = parts[:-1] if parts else []
    found = _sorted_out(items, head)
    readable = [item for item in items if item not in found]
    complete = parts if answer.status == 0 and not answer.cut else parts[:-1]
    for item, data in zip(readable, complete, strict=False):
        if len(data) > CAP:
            found[item] = Unreadable("it is larger than 64 KiB")
        elif b"\0" in data:
            found[item] = Unreadable("it is not text")
        else:
            found[item] = clean_bytes(data)
    return [found.get(item, NOTHING) for item in items]


def _sorting(body: str) -> Callable[[Sequence[str], str], list[str]]:
    return lambda items, mark: ["sh", "-c", body, "sh", mark, *items]


DIGEST = Kind("digest", _sorting(_DIGEST), _read_digest, cap=lambda n: n * 1024)
TEXT = Kind("text", _sorting(_TEXT), _read_text, together=50, cap=lambda n: n * (CAP + 200))

# Directories


def _read_names(items: Sequence[str], answer: Answer, mark: str) -> list[Any]:
    found: dict[str, Any] = {}
    fields = answer.out.split(b"\0")
    for place, depth, kind, name in zip(fields[0::4], fields[1::4], fields[2::4], fields[3::4], strict=False):
        path = place.decode("utf-8", "replace")
        if depth == b"0":
            found[path] = [] if kind == b"d" else Unreadable("it is not a directory")
        elif isinstance(found.get(path), list):
            found[path].append(clean_bytes(name))
    if answer.cut:
        return [Unreadable("there are too many names")] * len(items)
    told = {path: tuple(sorted(names)) if isinstance(names, list) else names for path, names in found.items()}
    return _in_order(items, told, answer.err, "find")


NAMES = Kind(
    "names",
    lambda items, mark: ["find", "-H", *items, "-maxdepth", "1", "-printf", r"%H\0%d\0%y\0%f\0"],
    _read_names,
    cap=lambda n: n * CAP,
)

_NEWEST = r"""
find -H "$@" \( -name __pycache__ -o -name .git \) -prune -o -type f -printf '%T@ %H\n' |
awk '{ t = $1; sub(/^[^ ]* /, ""); if (!($0 in m) || t + 0 > m[$0] + 0) m[$0] = t } END { for (h in m) print m[h], h }'
"""


def _newest(items: Sequence[tuple[str, ...]], mark: str) -> list[str]:
    return ["sh", "-c", _NEWEST, "sh", *dict.fromkeys(path for paths in items for path in paths)]


def _read_newest(items: Sequence[tuple[str, ...]], answer: Answer, mark: str) -> list[Any]:
    if answer.status != 0:
        return [NOTHING] * len(items)
    found: dict[str, float] = {}
    for line in answer.out.decode("utf-8", "replace").splitlines():
        time, _, place = line.partition(" ")
        found[place] = float(time)
    refused = [line for line in answer.err.splitlines() if not line.endswith(_ABSENT)]
    if refused:
        return [Unreadable(clean(refused[0]))] * len(items)
    return [max((found[path] for path in paths if path in found), default=None) for paths in items]


NEWEST = Kind("newest", _newest, _read_newest, cap=lambda n: n * 4096)

# Packages

_PACKAGE = r"""
if command -v dpkg-query >/dev/null 2>&1
then dpkg-query -W -f '${Package}\t${Architecture}\t${db:Status-Abbrev}\t${Version}\n' "$@"
else rpm -q --qf '%{NAME}\t%{ARCH}\tii\t%{VERSION}-%{RELEASE}\n' "$@"; fi
"""
_NO_PACKAGE = re.compile(r"(?:no packages found matching|package) (\S+)(?: is not installed)?$", re.MULTILINE)


def _read_package(items: Sequence[str], answer: Answer, mark: str) -> list[Any]:
    out = clean_bytes(answer.out)
    found: dict[str, str | None] = dict.fromkeys(_NO_PACKAGE.findall(f"{out}\n{clean(answer.err)}"))
    for line in out.splitlines():
        name, arch, state, version = [*line.split("\t"), "", "", ""][:4]
        if state.strip():  # dpkg also lists, without a version, what another package only names ("un")
            found[name] = found[f"{name}:{arch}"] = version if version and state[1:2] == "i" else None
    return [found.get(item, NOTHING) for item in items]


PACKAGE = Kind(
    "package", lambda items, mark: ["sh", "-c", _PACKAGE, "sh", *items], _read_package, cap=lambda n: n * 512
)

# Sockets

_SOCKET = re.compile(r"(.*):(\d+)")
_OWNER = re.compile(r'\("([^"]*)",pid=(\d+)')


def _read_listening(items: Sequence[Any], answer: Answer, mark: str) -> list[Any]:
    if answer.status != 0:
        return [NOTHING]
    found: list[Listener] = []
    for line in clean_bytes(answer.out).splitlines():
        fields = line.split(None, 5)
        if len(fields) < 5 or (place := _SOCKET.fullmatch(fields[3])) is None:
            continue
        address = place[1].strip("[]").partition("%")[0]
        owner = _OWNER.search(fields[5]) if len(fields) > 5 else None
        found.append(Listener(address, int(place[2]), int(owner[2]) if owner else 0, owner[1] if owner else ""))
    return [tuple(found)]


LISTENING = Kind(
    "listening", lambda items, mark: ["ss", "-H", "-ltnp"], _read_listening, together=1, cap=lambda n: 4 * CAP
)

# Processes

_VARIABLES = """m=$1; shift
for p do [ -d "/proc/$p" ] || continue; echo "$m $p"; sed -z -n 's/=.*//p' <"/proc/$p/environ" || echo '!'; done"""


def _read_variables(items: Sequence[int], answer: Answer, mark: str) -> list[Any]:
    if answer.status in (124, 137):
        return [NOTHING] * len(items)
    found: dict[int, Any] = {}
    for part in answer.out.split(mark.encode() + b" ")[1:]:
        pid, _, rest = part.partition(b"\n")
        names = tuple(sorted({clean_bytes(name) for name in rest.split(b"\0") if name.strip(b"\n")}))
        found[int(pid)] = Unreadable("its environment may not be read") if rest.endswith(b"!\n") else names
    return [found.get(item) for item in items]


VARIABLES = Kind(
    "variables",
    lambda items, mark: ["sh", "-c", _VARIABLES, "sh", mark, *map(str, items)],
    _read_variables,
    cap=lambda n: n * 8192,
)

# pid, parent, start in ticks of every process: children are found by their parent.
_PROCESSES = "cat /proc/[0-9]*/stat 2>/dev/null | awk '{ p = $1; if (sub(/^.*\\) /, \"\")) print p, $2, $20 }'"


def _read_process(items: Sequence[int], answer: Answer, mark: str) -> list[Any]:
    if answer.status != 0 or answer.cut:
        return [NOTHING] * len(items)
    rows = [tuple(map(int, line.split())) for line in answer.out.decode("ascii", "replace").splitlines()]
    started = {pid: ticks / TICKS for pid, _, ticks in rows}
    children: dict[int, list[tuple[int, float]]] = {}
    for pid, parent, ticks in rows:
        children.setdefault(parent, []).append((pid, ticks / TICKS))
    return [
        ProcessState(pid, started[pid], tuple(sorted(children.get(pid, ())))) if pid in started else None
        for pid in items
    ]


PROCESS = Kind("process", lambda items, mark: ["sh", "-c", _PROCESSES], _read_process, cap=lambda n: 16 * CAP)


def _read_clock(items: Sequence[Any], answer: Answer, mark: str) -> list[Any]:
    if answer.status != 0:
        return [NOTHING]
    wall, uptime, boot = answer.out.decode().splitlines()
    return [HostClock(float(wall), float(uptime.split()[0]), boot)]


CLOCK = Kind(
    "clock",
    lambda items, mark: ["sh", "-c", "date +%s.%N; exec cat /proc/uptime /proc/sys/kernel/random/boot_id"],
    _read_clock,
    together=1,
)

# Disks

_FILESYSTEM = 'cat /proc/self/mounts; echo "$0"; exec df -B1 --output=fstype,size,avail,iavail,source,target -- "$@"'


def _read_filesystem(items: Sequence[str], answer: Answer, mark: str) -> list[Any]:
    head, _, rest = clean_bytes(answer.out).partition(mark + "\n")
    options: dict[str, set[str]] = {}
    for line in head.splitlines():
        fields = line.split(" ")
        options[_unescaped(fields[1])] = set(fields[3].split(","))
    errors = {line.partition("df: ")[2] for line in answer.err.splitlines()}
    rows = iter(rest.splitlines()[1:])
    found: list[Any] = []
    for item in items:
        error = next((error for error in errors if error.startswith((f"{item}: ", f"'{item}': "))), None)
        if error is not None:
            found.append(_missing(error))
        elif (row := next(rows, None)) is None:
            found.append(NOTHING)
        else:
            kind, size, free, inodes, source, mount = row.split(None, 5)
            total, left, nodes = (int(text) if text.isdigit() else 0 for text in (size, free, inodes))
            found.append(Filesystem(mount, source, kind, total, left, nodes, "ro" in options.get(mount, ())))
    return found


def _unescaped(path: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), path)


FILESYSTEM = Kind(
    "filesystem",
    lambda items, mark: ["sh", "-c", _FILESYSTEM, mark, *items],
    _read_filesystem,
    cap=lambda n: CAP + n * 512,
)

# Checkouts. git runs as the folder's owner: as root it would refuse ("dubious ownership") or run the owner's hooks.
# `status` and not `diff`: that one writes the index anew where only times differ, and asks no GIT_OPTIONAL_LOCKS.

_GIT = r"""
cd "$1" 2>/dev/null || { [ -e "$1" ] || exit 44; echo "$1 cannot be entered" >&2; exit 1; }
command -v git >/dev/null 2>&1 || { [ -e .git ] || exit 44; echo 'git is not on the host' >&2; exit 1; }
set -- git; export HOME=/nonexistent
if [ ! -O . ]; then set -- setpriv --reuid "$(stat -c %u .)" --regid "$(stat -c %g .)" --clear-groups git; fi
set -- "$@" -c core.fsmonitor=false
"$@" rev-parse --show-prefix 2>/dev/null | grep -q . && exit 44
c=$("$@" rev-parse -q --verify HEAD) || { "$@" rev-parse --git-dir >/dev/null 2>&1 && exit 45; exit 44; }
printf '%s\n' "$c" "$("$@" symbolic-ref -q --short HEAD)" "$("$@" config --get remote.origin.url)"
exec "$@" status --porcelain -z --no-renames --untracked-files=no
"""


def _read_git(items: Sequence[str], answer: Answer, mark: str) -> list[Any]:
    if answer.status == 44:
        return [None]
    if answer.status == 45:
        return [GitState("", "", "", ())]
    if answer.status != 0:
        return [NOTHING]
    commit, branch, origin, changed = answer.out.split(b"\n", 3)
    names = tuple(clean_bytes(line[3:]) for line in changed.split(b"\0") if line)  # two letters of state before each
    return [GitState(commit.decode(), clean_bytes(branch), clean_bytes(origin), names)]


GIT = Kind("git", lambda items, mark: ["sh", "-c", _GIT, "sh", items[0]], _read_git, together=1, free=True)

# The rest


def _read_os(items: Sequence[str], answer: Answer, mark: str) -> list[Any]:
    if answer.status != 0:
        return [NOTHING]
    known: dict[str, str] = {}
    for line in clean_bytes(answer.out).splitlines():
        name, _, value = line.partition("=")
        known[name.strip()] = value.strip().strip("\"'")
    return [
        OsRelease(known.get("ID", ""), known.get("VERSION_ID", ""), known.get("PRETTY_NAME", known.get("NAME", "")))
    ]


OS = Kind("os", lambda items, mark: ["cat", "--", items[0]], _read_os, together=1)


def _read_shell(items: Sequence[str], answer: Answer, mark: str) -> list[Any]:
    if answer.status in (124, 137):
        return [NOTHING]
    return [Shell(answer.status, clean_bytes(answer.out[:CAP]), clean(answer.err), len(answer.out) > CAP)]


SHELL = Kind("shell", lambda items, mark: ["sh", "-c", items[0]], _read_shell, together=1, free=True)

# Whether a file is exactly this: the content comes on standard input, and only yes or no goes back.
_MATCH = '[ -f "$1" ] || exit 3; a=$(sha256sum) && b=$(sha256sum <"$1") && [ "$a" = "$b" ]'


def _read_match(items: Sequence[Any], answer: Answer, mark: str) -> list[Any]:
    return [{0: True, 1: False, 3: False}.get(answer.status, NOTHING)] if not answer.err else [NOTHING]


MATCH = Kind(
    "match",
    lambda items, mark: ["sh", "-c", _MATCH, "sh", items[0].path],
    _read_match,
    together=1,
    feed=lambda item: bytes(item.content),
)
