"""Runs a command on a disk that is full: `python full_disk.py ROOT COMMAND…`.

The kernel itself answers ENOSPC ("No space left on device") when a file below ROOT is made or written anew, to every
program alike. It does so through a seccomp filter whose questions (openat with O_CREAT, O_TRUNC or O_APPEND, mkdir) are
answered by a small helper process. `/run` is a file system of its own and stays usable.
Needs no privilege, but Linux 5.5 and x86_64 or aarch64.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import signal
import socket
import struct
import sys

# syscall numbers: seccomp, openat, mkdirat, open, mkdir, creat (the last three only where they exist)
NUMBERS = {
    "x86_64": {"arch": 0xC000003E, "seccomp": 317, "openat": 257, "mkdirat": 258, "open": 2, "mkdir": 83, "creat": 85},
    "aarch64": {"arch": 0xC00000B7, "seccomp": 277, "openat": 56, "mkdirat": 34},
}
PR_SET_NO_NEW_PRIVS, SET_MODE_FILTER, NEW_LISTENER = 38, 1, 1 << 3
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000
CONTINUE = 1
RECEIVE, SEND = 0xC0502100, 0xC0182101
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
NEW = os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def program(numbers: dict[str, int]) -> bytes:
    """BPF: ask about opens that may write anew and about mkdir; let everything else pass."""

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("=HBBI", code, yes, no, value)

    asked = [(name, 32 if name == "openat" else 24) for name in ("openat", "open") if name in numbers]
    always = [name for name in ("mkdirat", "mkdir", "creat") if name in numbers]
    lines = [step(LOAD, 4), step(EQUAL, numbers["arch"], 1, 0), step(RETURN, ALLOW), step(LOAD, 0)]
    for name in always:
        lines += [step(EQUAL, numbers[name], 0, 1), step(RETURN, NOTIFY)]
    for opening, flags in asked:
        # the flags' lower half: argument 2 of openat, 1 of open
        lines += [
            step(EQUAL, numbers[opening], 0, 4), step(LOAD, flags), step(ANY_BIT, NEW, 0, 1),
            step(RETURN, NOTIFY), step(RETURN, ALLOW),
        ]  # fmt: skip
    return b"".join([*lines, step(RETURN, ALLOW)])


def install(numbers: dict[str, int]) -> int:
    """Put the filter on this process and what it starts; returns the descriptor on which questions come."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = program(numbers)
    buffer = ctypes.create_string_buffer(code, len(code))
    described = Filter(len(code) // 8, ctypes.addressof(buffer))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    descriptor: int = libc.syscall(numbers["seccomp"], SET_MODE_FILTER, NEW_LISTENER, ctypes.byref(described))
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return descriptor


def asked_path(pid: int, directory: int, address: int) -> str:
    """The path that a process named, made absolute; empty when it cannot be read."""
    try:
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
        try:
            # One read: it ends where the process's memory does, a second one would fail there.
            name = os.fsdecode(os.pread(memory, 4096, address).partition(b"\0")[0])
        finally:
            os.close(memory)
        if not name.startswith("/"):
            at = "cwd" if directory == -100 else f"fd/{directory}"
            name = os.path.join(os.readlink(f"/proc/{pid}/{at}"), name)  # noqa: PTH115, PTH118
    except OSError:
        return ""
    return os.path.normpath(name)


def refuses(root: str, path: str, *, creates: bool) -> bool:
    """Whether the full disk says no: below the root, not in /run; opening what exists without O_TRUNC is fine."""
    inside = path.startswith(root + "/") and not path.startswith((f"{root}/run/", f"{root}/.practice/"))
    return inside and (not creates or not os.path.lexists(path))


def answer(listener: int, root: str, numbers: dict[str, int]) -> None:
    """Take one question and answer it."""
    question = bytearray(80)
    fcntl.ioctl(listener, RECEIVE, question)
    ident, pid, _, number = struct.unpack_from("=QIIi", question)
    words = struct.unpack_from("=6Q", question, 32)
    if number in (numbers["openat"], numbers["mkdirat"]):
        directory, address = struct.unpack("=i", struct.pack("=I", words[0] & 0xFFFFFFFF))[0], words[1]
        flags = words[2] if number == numbers["openat"] else os.O_CREAT
    else:
        directory, address = -100, words[0]
        flags = words[1] if number == numbers.get("open") else os.O_CREAT
    writes_anew = bool(flags & (os.O_TRUNC | os.O_APPEND)) and number != numbers["mkdirat"]
    no = refuses(root, asked_path(pid, directory, address), creates=not writes_anew)
    reply = struct.pack("=QqiI", ident, 0, -errno.ENOSPC if no else 0, 0 if no else CONTINUE)
    fcntl.ioctl(listener, SEND, reply)


def serve(listener: int, root: str, numbers: dict[str, int]) -> None:
    """Answer until no process has the filter any more."""
    import select

    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        (_, event) = poll.poll()[0]
        if event & select.POLLHUP:
            return
        try:
            answer(listener, root, numbers)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EINTR):  # the process was killed meanwhile
                return


def main() -> int:
    root, command = sys.argv[1], sys.argv[2:]
    numbers = NUMBERS.get(platform.machine())
    if numbers is None:
        sys.stderr.write(f"practice host: a full disk cannot be rehearsed on {platform.machine()}\n")
        return 1
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        try:
            listener = install(numbers)
        except OSError as error:
            sys.stderr.write(
                f"practice host: this machine lets nobody rehearse a full disk (seccomp: {error.strerror})\n"
            )
            os._exit(126)
        socket.send_fds(theirs, [b"x"], [listener])
        os.close(listener)
        theirs.close()
        os.execv(command[0], command)  # noqa: S606  the command line is the caller's
    theirs.close()
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    if not descriptors:
        os.waitpid(child, 0)
        return 126
    if os.fork() == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        serve(descriptors[0], root, numbers)
        os._exit(0)
    os.close(descriptors[0])
    for descriptor in (0, 1, 2):
        os.close(descriptor)  # the command's pipes are its own: nobody else holds them open
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda caught, _: os.kill(child, caught))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
